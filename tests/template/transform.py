"""The deployed stacks: template.yaml, transformed by AWS' own translator with the parameters of samconfig.toml, and evaluated."""

import copy
import os
import tomllib
import warnings
from functools import cached_property
from pathlib import Path

from samtranslator.model.exceptions import InvalidDocumentException
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

from evaluate import PSEUDO, Evaluator, listed

os.environ.setdefault("AWS_DEFAULT_REGION", "eu-central-1")
warnings.filterwarnings("ignore", category=DeprecationWarning)

ROOT = Path(__file__).resolve().parents[2]
# Parameters that an account sets itself, not in samconfig.toml. DEPLOYMENTS has for each deployment the environment and such parameters.
DOMAIN = {
    "DomainName": "api.example.com",
    "CertificateArn": "arn:aws:acm:eu-central-1:111122223333:certificate/11111111-2222-3333-4444-555555555555",
    "HostedZoneId": "Z0123456789EXAMPLE",
}
OPERATOR = {"OperatorEmail": "operator@example.com"}
# With a customer's key: this deployment has a secret of each kind.
SMTP = {
    "MailBackend": "smtp",
    "SmtpHost": "mail.example.com",
    "SmtpUser": "users",
    "KmsKeyArn": "arn:aws:kms:eu-central-1:111122223333:key/11111111-2222-3333-4444-555555555555",
}
# After a restore, with the boundary of infra/deploy-role.yaml and the options that cost extra.
ADOPTED = {
    "ExistingUsersTable": "users-production-restored",
    "ExistingSigningSecret": "arn:aws:secretsmanager:eu-central-1:111122223333:secret:users-production-keys-AbCdEf",
    "BackupRetentionDays": "35",
    "BudgetDollars": "100",
    "AuthConcurrency": "5",
    "Tracing": "Active",
    "PermissionsBoundary": "boundary-users-production",
}
DEPLOYMENTS = {
    "dev": ("default", {}),
    "staging": ("staging", {}),
    "production": ("production", {**DOMAIN, **OPERATOR}),
    "smtp": ("staging", {**SMTP, **OPERATOR}),
    "es256": ("default", {"JwtAlgorithm": "ES256", "Architecture": "x86_64"}),
    "adopted": ("production", {**OPERATOR, **ADOPTED}),
}
# The value of every hidden parameter, so that it can be found in wrong places.
HIDDEN = "not-shown"


def overrides(config, environment):
    """The parameters that `sam deploy --config-env` of this environment passes."""
    given = config[environment]["deploy"]["parameters"].get("parameter_overrides", [])
    if isinstance(given, str):
        given = given.split()
    return dict(given if isinstance(given, dict) else (each.split("=", 1) for each in given))


class Sources:
    """The files of a deployment. A self-test changes one of them and deploys the result."""

    def __init__(self, template, monitoring, openapi, config):
        self.template, self.monitoring, self.openapi, self.config = template, monitoring, openapi, config

    @classmethod
    def read(cls, template, monitoring, openapi, config):
        parsed = [yaml_parse(Path(path).read_text()) for path in (template, monitoring, openapi)]
        return cls(*parsed, tomllib.loads(Path(config).read_text()))

    def copy(self):
        return copy.deepcopy(self)


class NoPolicies:
    """The translator asks AWS for managed policies by name; the template uses none."""

    def load(self):
        return {}


def translated(template, parameters):
    """The template after AWS' macro. Before that, `sam package` replaces local paths by addresses in S3."""
    template = copy.deepcopy(template)
    function = template.get("Globals", {}).get("Function", {})
    function["CodeUri"] = {"Bucket": "artifacts", "Key": "function.zip"}
    for entry in template["Resources"].values():
        if entry["Type"] == "AWS::CloudFormation::Stack":
            entry["Properties"]["TemplateURL"] = "https://artifacts.s3.amazonaws.com/nested.template"
    # CloudFormation passes values to a macro as `Ref` returns them: lists as lists.
    names = template.get("Parameters", {})
    values = {name: listed(entry["Type"], parameters.get(name, entry.get("Default", ""))) for name, entry in names.items()}
    pseudo = {name: PSEUDO[name] for name in ("AWS::Region", "AWS::Partition")}
    return transform(template, {**values, **pseudo}, NoPolicies())


class Deployment:
    """A deployment: the outcome of the transform, its evaluation, and the nested stack's evaluation."""

    def __init__(self, name, sources, way=None):
        environment, more = way or DEPLOYMENTS[name]
        self.name, self.sources, self.environment = name, sources, environment
        # Not the name in samconfig.toml: a value with only the environment's name would be mistaken for one with the stack's name.
        self.stack_name = f"second-{sources.config[environment]['global']['parameters']['stack_name']}"
        self.given = {**overrides(sources.config, environment), **more}
        self.adopted = {value for name, value in self.given.items() if name.startswith("Existing")}
        self.declared = sources.template.get("Parameters", {})
        hidden = {n: HIDDEN for n, entry in self.declared.items() if str(entry.get("NoEcho", "")).lower() == "true"}
        self.parameters = {**{n: v for n, v in self.given.items() if n in self.declared}, **hidden}

    @cached_property
    def outcome(self):
        try:
            return translated(self.sources.template, self.parameters)
        except InvalidDocumentException as error:
            causes = [str(cause.message) for cause in error.causes]
            raise ValueError(f"{self.name}: the translator refuses the template: {'; '.join(causes)}") from error

    @cached_property
    def stack(self):
        return Evaluator(self.outcome, self.parameters, self.stack_name)

    @cached_property
    def nested(self):
        """The stack of infra/monitoring.yaml, with the parameters that this one passes."""
        passed = dict(self.stack.of_type("AWS::CloudFormation::Stack")).get("Monitoring", {}).get("Parameters", {})
        return Evaluator(self.sources.monitoring, passed, f"{self.stack_name}-Monitoring-1A2B3C4D5E6F")

    @cached_property
    def stacks(self):
        return [self.stack, self.nested]

    @cached_property
    def routes(self):
        """Each route of the HTTP API, such as `GET /docs` or `$default`, with its operation."""
        (api,) = [each for _, each in self.stack.of_type("AWS::ApiGatewayV2::Api")]
        found = {}
        for path, operations in api["Body"]["paths"].items():
            for method, operation in operations.items():
                name = "ANY" if method == "x-amazon-apigateway-any-method" else method.upper()
                found["$default" if operation.get("isDefaultRoute") else f"{name} {path}"] = operation
        return found
