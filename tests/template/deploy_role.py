"""Does CloudFormation's role (infra/deploy-role.yaml) allow exactly what the types in template.yaml and infra/monitoring.yaml need?
`python3 tests/template/deploy_role.py [--role PATH] [--template PATH] [--monitoring PATH]`, in a Python that has requirements.txt. A type
needs the actions that AWS' schema lists for creating, reading, updating and deleting it. The resources of three deployments are checked
against the role, and their roles against the boundary, by the names that they get. Also checks who may assume the roles. Prints one line
for each fault; exits with 1 if there is one."""

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from samtranslator.yaml_helper import yaml_parse

from arns import ACCOUNT, FORMS, REGION, Arns, allows
from evaluate import Evaluator
from needs import BESIDES, needed
from rules import plural
from rules.names import schema
from transform import DOMAIN, OPERATOR, ROOT, SMTP, Deployment, Sources

STACK = "second-users-production"  # The name of the test's deployment of `production`.
BOUNDED = {**OPERATOR, "PermissionsBoundary": f"boundary-{STACK}"}
KEY_ARN = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555"
FULL = {
    "BackupRetentionDays": "35",
    "BackupCopyVaultArn": f"arn:aws:backup:eu-west-1:{ACCOUNT}:backup-vault:copies",
    "BudgetDollars": "100",
    "KmsKeyArn": KEY_ARN,
    "MailZoneId": "Z0987654321EXAMPLE",
    "Tracing": "Active",
    "AuthConcurrency": "5",
}
ADOPTED = {
    "ExistingUsersTable": f"{STACK}-restored",
    "BackupRetentionDays": "35",
    "ExistingSigningSecret": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{STACK}-keys-AbCdEf",
}
WAYS = {
    "production": ("production", BOUNDED),
    "everything": ("production", {**BOUNDED, **DOMAIN, **FULL}),
    "adopted": ("production", {**BOUNDED, **SMTP, **ADOPTED}),
}
# Actions without resource types, or actions that list everything: only these may have the resource "*".
ANY_RESOURCE = {
    *("backup-storage:MountCapsule", "cloudwatch:DescribeAlarms", "codedeploy:StopDeployment", "kms:ListAliases"),
    *("logs:CreateLogDelivery", "logs:GetLogDelivery", "logs:UpdateLogDelivery", "logs:DeleteLogDelivery", "logs:ListLogDeliveries"),
    *("logs:DescribeLogGroups", "logs:DescribeIndexPolicies"),
    *("logs:DescribeResourcePolicies", "logs:PutResourcePolicy", "logs:DeleteResourcePolicy"),
    *("route53:GetChange", "route53:ListHostedZones", "secretsmanager:GetRandomPassword", "ses:DescribeConfigurationSet"),
    *("sns:GetSubscriptionAttributes", "sns:SetSubscriptionAttributes", "sns:Unsubscribe"),
}
# Actions that create or change a role: only with the boundary.
WITH_BOUNDARY = {
    *("iam:CreateRole", "iam:UpdateRole", "iam:UpdateAssumeRolePolicy", "iam:PutRolePolicy", "iam:DeleteRolePolicy"),
    *("iam:AttachRolePolicy", "iam:DetachRolePolicy", "iam:PutRolePermissionsBoundary"),
}
# The actions of AWS' managed policies that a role of the template may have, as far as DynamoDB needs them (AWS Backup, "Managed policies").
MANAGED = {
    "AWSBackupServiceRolePolicyForBackup": {
        "{table}": ("dynamodb:DescribeTable", "dynamodb:CreateBackup", "dynamodb:StartAwsBackupJob", "dynamodb:ListTagsOfResource"),
        "{table}/backup/01234567890123-abcdefgh": ("dynamodb:DescribeBackup", "dynamodb:DeleteBackup"),
        "*": (
            *("backup:DescribeBackupVault", "backup:CopyIntoBackupVault", "backup:CopyFromBackupVault"),
            *("backup:TagResource", "tag:GetResources"),
        ),
        KEY_ARN: ("kms:DescribeKey", "kms:Decrypt", "kms:GenerateDataKey", "kms:CreateGrant"),
    },
    "AWSBackupServiceRolePolicyForRestores": {
        "{restored}": (
            *("dynamodb:RestoreTableFromAwsBackup", "dynamodb:DescribeTable", "dynamodb:Scan", "dynamodb:Query", "dynamodb:GetItem"),
            *("dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:BatchWriteItem"),
        ),
        "{table}/backup/01234567890123-abcdefgh": ("dynamodb:RestoreTableFromBackup",),
        KEY_ARN: ("kms:DescribeKey", "kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:CreateGrant"),
        KEY_ARN.replace(REGION, "eu-west-1"): ("kms:DescribeKey", "kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:CreateGrant"),
    },
}
# The services through which a customer's key is used, where AWS' policy does not name them.
VIA = {"kms:ViaService": [f"dynamodb.{REGION}.amazonaws.com"]}
# Actions that a type needs on a resource of another type of the same service.
ELSEWHERE = {"codedeploy:GetApplicationRevision", "codedeploy:RegisterApplicationRevision", "codedeploy:GetDeploymentConfig"}
CHARACTERS = 6144  # The limit of a managed policy, without white space (IAM, "Quotas").


class Role:
    """The parts of infra/deploy-role.yaml, evaluated for one environment."""

    def __init__(self, template):
        zones = {"HostedZoneId": DOMAIN["HostedZoneId"], "MailZoneId": FULL["MailZoneId"]}
        values = {"Repository": "OWNER/NAME", "Environment": "staging", "StackName": STACK, **zones}
        known = {name: value for name, value in values.items() if name in template["Parameters"]}
        self.stack = Evaluator(template, known, f"deploy-{STACK}")
        self.policies = dict(self.stack.of_type("AWS::IAM::ManagedPolicy"))
        self.roles = dict(self.stack.of_type("AWS::IAM::Role"))

    def statements(self, holder):
        """The statements of a role's policies, or of the policy with this name."""
        if holder in self.policies:
            return self.policies[holder]["PolicyDocument"]["Statement"]
        own = [each["PolicyDocument"] for each in self.roles[holder].get("Policies", [])]
        attached = [each["PolicyDocument"] for each in self.policies.values() if f"<{holder}>" in each.get("Roles", [])]
        return [statement for document in own + attached for statement in document["Statement"]]

    def plain(self, holder):
        """The same, with names instead of references."""
        (name,) = [each["ManagedPolicyName"] for each in self.policies.values() if "ManagedPolicyName" in each]
        text = json.dumps(self.statements(holder)).replace("<Boundary>", f"arn:aws:iam::{ACCOUNT}:policy/{name}")
        return json.loads(text)

    def allowed(self, holder):
        return {action for each in self.statements(holder) if each["Effect"] == "Allow" for action in plural(each["Action"])}


def equal(role, kinds):
    """The execution role allows exactly what is needed."""
    wanted, given = needed(kinds), role.allowed("ExecutionRole")
    for action in sorted(set(wanted) - given):
        yield f"the execution role lacks {action}, which {wanted[action]} needs"
    for action in sorted(given - set(wanted)):
        yield f"the execution role allows {action}, which no type in the templates needs"


def narrow(role, _):
    """Actions and resources are named, and roles are created with the boundary."""
    for holder in ("ExecutionRole", "DeployRole", "Boundary"):
        for statement in role.statements(holder):
            if statement["Effect"] != "Allow":
                continue
            keys = {key for test in statement.get("Condition", {}).values() for key in test}
            for action in plural(statement["Action"]):
                if "*" in action:
                    yield f"{holder} allows {action}"
                everywhere = "*" in plural(statement["Resource"])
                if holder != "Boundary" and everywhere and action not in ANY_RESOURCE and "lambda:FunctionArn" not in keys:
                    yield f"{holder} allows {action} on every resource"
                if action == "iam:PassRole" and "iam:PassedToService" not in keys:
                    yield f"{holder} may hand roles to any service"
                if action in WITH_BOUNDARY and statement.get("Condition") != {"StringEquals": {"iam:PermissionsBoundary": "<Boundary>"}}:
                    yield f"{holder} allows {action} without the boundary"


def taken(role, _):
    """Only one environment's workflow can assume the deploy role, and only CloudFormation the other."""
    issuer = "token.actions.githubusercontent.com"
    wanted = {"StringEquals": {f"{issuer}:aud": "sts.amazonaws.com", f"{issuer}:sub": "repo:OWNER/NAME:environment:staging"}}
    (statement,) = role.roles["DeployRole"]["AssumeRolePolicyDocument"]["Statement"]
    if statement["Action"] != "sts:AssumeRoleWithWebIdentity" or statement.get("Condition") != wanted:
        yield f"the deploy role may be taken under {statement.get('Condition')}"
    if statement["Principal"] != {"Federated": "<Provider>"}:
        yield f"the deploy role may be taken by {statement['Principal']}"
    (statement,) = role.roles["ExecutionRole"]["AssumeRolePolicyDocument"]["Statement"]
    if statement["Principal"] != {"Service": "cloudformation.amazonaws.com"}:
        yield f"the execution role may be taken by {statement['Principal']}"


def small(role, _):
    """No policy is longer than IAM allows."""
    for name, policy in role.policies.items():
        size = len("".join(json.dumps(policy["PolicyDocument"], separators=(",", ":")).split()))
        if size > CHARACTERS:
            yield f"{name} has {size} characters of {CHARACTERS}"


def reached(role, deployment):
    """The execution role may create each resource with the name that it gets, and do what its type needs."""
    statements = role.plain("ExecutionRole")
    for stack in deployment.stacks:
        arns = Arns(stack)
        for logical, entry in stack.resources.items():
            kind, properties = entry["Type"], entry["Properties"]
            if kind not in FORMS:
                yield f"arns.py does not know which resource {kind} is"
                continue
            arn, service = arns.arn(logical), FORMS[kind][0].split(":")[0]
            context = arns.mark(properties.get("SecretId", f"<{logical}>"))
            if "PermissionsBoundary" in properties:
                context["iam:PermissionsBoundary"] = properties["PermissionsBoundary"]
            if kind == "AWS::Lambda::EventSourceMapping":
                context["lambda:FunctionArn"] = arns.plain(properties["FunctionName"])
            own = {action for action in needed({kind}) if action.startswith(f"{service}:")} - ELSEWHERE - {"iam:PassRole"}
            for action in sorted(own | {FORMS[kind][0]}):
                if not allows(statements, action, arn, context):
                    yield f"the execution role may not {action} {arn}"
            if kind == "AWS::IAM::Role":
                yield from handed(statements, arn, properties)


def handed(statements, arn, properties):
    """The execution role may pass a role to each service that assumes it."""
    for trust in plural(properties["AssumeRolePolicyDocument"]["Statement"]):
        for service in plural(trust["Principal"]["Service"]):
            if not allows(statements, "iam:PassRole", arn, {"iam:PassedToService": service}):
                yield f"the execution role may not hand {arn} to {service}"


def wide_enough(role, deployment):
    """The boundary allows what the template's roles allow, on the same resources."""
    statements = role.plain("Boundary")
    for stack in deployment.stacks:
        arns = Arns(stack)
        for logical, properties in stack.of_type("AWS::IAM::Role"):
            for action, resource, context in wanted(stack, properties):
                arn = arns.plain(resource)
                if not allows(statements, action, arn, {**context, **arns.mark(resource)}):
                    yield f"the boundary lacks {action} on {arn}, which {logical} has"


def wanted(stack, role):
    """Each action of a role with its resource, and what the role's own conditions guarantee."""
    for policy in role.get("Policies", []):
        for statement in plural(policy["PolicyDocument"]["Statement"]):
            context = {key: values for test in statement.get("Condition", {}).values() for key, values in test.items()}
            if statement["Effect"] == "Allow":
                yield from ((a, r, context) for a in plural(statement["Action"]) for r in plural(statement["Resource"]))
    tables = [each["BackupSelection"]["Resources"][0] for _, each in stack.of_type("AWS::Backup::BackupSelection")]
    for name in role.get("ManagedPolicyArns", []):
        for resource, actions in MANAGED[name.rsplit("/", 1)[-1]].items():
            for region in (REGION, "eu-west-1"):
                places = {"table": tables[0], "restored": f"arn:aws:dynamodb:{region}:{ACCOUNT}:table/{stack.stack}-restored"}
                yield from ((action, resource.format(**places), VIA) for action in actions)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--role", default=ROOT / "infra" / "deploy-role.yaml")
    arguments.add_argument("--template", default=ROOT / "template.yaml")
    arguments.add_argument("--monitoring", default=ROOT / "infra" / "monitoring.yaml")
    given = arguments.parse_args()
    role = Role(yaml_parse(Path(given.role).read_text()))
    sources = Sources.read(given.template, given.monitoring, ROOT / "functions" / "docs" / "openapi.json", ROOT / "samconfig.toml")
    deployments = [Deployment(name, sources, way) for name, way in WAYS.items()]
    kinds = {e["Type"] for each in (deployments[0].outcome, sources.monitoring) for e in each["Resources"].values()}
    faults = [fault for check in (equal, narrow, taken, small) for fault in check(role, kinds | {"AWS::Serverless-2016-10-31"})]
    faults += [f"AWS' schemas do not say what {kind} needs" for kind in sorted(kinds - set(BESIDES)) if not schema(kind).get("handlers")]
    faults += dict.fromkeys(fault for check in (reached, wide_enough) for each in deployments for fault in check(role, each))
    for fault in faults:
        print(f"FAIL {fault}")
    print(f"{'FAIL' if faults else 'ok  '} infra/deploy-role.yaml for {len(kinds)} types of resources")
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
