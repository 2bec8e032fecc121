"""May the role that CloudFormation takes (infra/deploy-role.yaml) do what the types in template.yaml and infra/monitoring.yaml need, and
nothing else? `python3 tests/template/deploy_role.py [--role PATH] [--template PATH] [--monitoring PATH]`, in a Python that has
requirements.txt. What a type needs is what AWS' schema of it says of creating, reading, updating and deleting. Also holds the boundary
against the roles of the template, and looks at who may take the roles. Prints one line for each fault; exits with 1 if there is one."""

import argparse
import fnmatch
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from evaluate import Evaluator  # noqa: E402
from rules import plural  # noqa: E402
from rules.names import schema  # noqa: E402
from samtranslator.yaml_helper import yaml_parse  # noqa: E402
from transform import ROOT, translated  # noqa: E402

# Types that the role is ready for before the template has them.
PLANNED = {
    "AWS::Backup::BackupPlan",
    "AWS::Backup::BackupSelection",
    "AWS::Backup::BackupVault",
    "AWS::Budgets::Budget",
    "AWS::CodeDeploy::Application",
    "AWS::CodeDeploy::DeploymentGroup",
    "AWS::Lambda::Alias",
    "AWS::Lambda::Version",
    "AWS::SES::EmailIdentity",
    "AWS::SNS::Subscription",
    "AWS::SNS::Topic",
    "AWS::SNS::TopicPolicy",
}
HANDLERS = ("create", "read", "update", "delete")
# Actions that a schema lists for a property that no resource here has, by type; * is any type or action. Whatever is not given cannot be
# misused; a deployment that sets such a property fails, and then its line goes from here.
UNUSED = {
    ("AWS::ApiGatewayV2::*", "s3:*"): "a definition or a trust store in S3",
    ("AWS::ApiGatewayV2::*", "apigateway:*agResource"): "IAM has no such action: tags are POST, PUT and DELETE",
    ("AWS::Backup::BackupVault", "backup-storage:Mount"): "IAM has no such action: it is MountCapsule",
    ("AWS::CodeDeploy::DeploymentGroup", "codedeploy:RegisterOnPremisesInstance"): "machines of one's own",
    ("AWS::DynamoDB::Table", "dynamodb:*Replica*"): "global tables",
    ("AWS::DynamoDB::Table", "dynamodb:*Item"): "global tables: a deployment reads and writes no data",
    ("AWS::DynamoDB::Table", "dynamodb:Query"): "global tables: a deployment reads and writes no data",
    ("AWS::DynamoDB::Table", "dynamodb:Scan"): "global tables: a deployment reads and writes no data",
    ("AWS::DynamoDB::Table", "iam:CreateServiceLinkedRole"): "global tables",
    ("AWS::DynamoDB::Table", "dynamodb:*Import*"): "a table imported from S3",
    ("AWS::DynamoDB::Table", "logs:*"): "a table imported from S3",
    ("AWS::DynamoDB::Table", "s3:*"): "a table imported from S3",
    ("AWS::DynamoDB::Table", "kinesis:*"): "a stream of Kinesis",
    ("AWS::DynamoDB::Table", "dynamodb:*ableKinesisStreamingDestination"): "a stream of Kinesis",
    ("AWS::DynamoDB::Table", "dynamodb:UpdateKinesisStreamingDestination"): "a stream of Kinesis",
    ("AWS::IAM::Policy", "iam:*GroupPolicy"): "a policy of a group",
    ("AWS::IAM::Policy", "iam:*UserPolicy"): "a policy of a user",
    ("AWS::IAM::Role", "iam:DeleteRolePermissionsBoundary"): "a role without the boundary must not be",
    ("AWS::Lambda::Function", "ec2:*"): "a function in a VPC",
    ("AWS::Lambda::Function", "elasticfilesystem:*"): "a file system",
    ("AWS::Lambda::Function", "s3files:*"): "a file system",
    ("AWS::Lambda::Function", "lambda:AssociateRuntimeAlias"): "IAM has no such action",
    ("AWS::Lambda::Function", "lambda:GetLayerVersion"): "layers",
    ("AWS::Lambda::Function", "lambda:*CodeSigningConfig"): "signed code, but for being asked whether there is any",
    ("AWS::Lambda::*", "lambda:PassCapacityProvider"): "capacity providers",
    ("AWS::Lambda::*", "lambda:PutFunctionScalingConfig"): "capacity providers",
    ("AWS::Lambda::*", "lambda:*utProvisionedConcurrencyConfig"): "provisioned concurrency",
    ("AWS::Lambda::*", "lambda:DeleteProvisionedConcurrencyConfig"): "provisioned concurrency",
    ("AWS::Logs::LogGroup", "firehose:*"): "a delivery stream",
    ("AWS::Logs::LogGroup", "logs:PutIndexPolicy"): "indexes of fields",
    ("AWS::Logs::LogGroup", "logs:DeleteIndexPolicy"): "indexes of fields",
    ("AWS::Logs::LogGroup", "s3:*"): "IAM has no such action",
    ("AWS::SecretsManager::Secret", "secretsmanager:*Replicat*"): "secrets in several regions",
}
KEPT = {"lambda:GetFunctionCodeSigningConfig"}  # A reading that happens whether or not there is something to read.
# What the schemas do not list, with where it is said.
BESIDES = {
    # API Gateway, "Configure logging for HTTP APIs": whoever sets an access log needs them, on all resources.
    "AWS::ApiGatewayV2::Stage": {
        *("logs:CreateLogDelivery", "logs:GetLogDelivery", "logs:UpdateLogDelivery", "logs:DeleteLogDelivery", "logs:ListLogDeliveries"),
        *("logs:DescribeLogGroups", "logs:DescribeResourcePolicies", "logs:PutResourcePolicy"),
    },
    # API Gateway, "Using service-linked roles": made with the first domain.
    "AWS::ApiGatewayV2::DomainName": {"iam:CreateServiceLinkedRole"},
    # CloudFormation, "TemplateURL": read by whoever makes the nested stack.
    "AWS::CloudFormation::Stack": {"s3:GetObject"},
    # CloudFormation, "Permissions for macros": the change set of a template with SAM's transform.
    "AWS::Serverless-2016-10-31": {"cloudformation:CreateChangeSet"},
}
# Actions that AWS knows no resource for, or that are asked for all at once: they alone may stand beside "*".
ANY_RESOURCE = {
    *("backup-storage:MountCapsule", "cloudwatch:DescribeAlarms", "codedeploy:StopDeployment", "kms:ListAliases"),
    *("logs:CreateLogDelivery", "logs:GetLogDelivery", "logs:UpdateLogDelivery", "logs:DeleteLogDelivery", "logs:ListLogDeliveries"),
    *("logs:DescribeLogGroups", "logs:DescribeIndexPolicies"),
    *("logs:DescribeResourcePolicies", "logs:PutResourcePolicy", "logs:DeleteResourcePolicy"),
    *("route53:GetChange", "route53:ListHostedZones", "secretsmanager:GetRandomPassword", "ses:DescribeConfigurationSet"),
    *("sns:GetSubscriptionAttributes", "sns:SetSubscriptionAttributes", "sns:Unsubscribe"),
}
# What makes or changes a role: only below the boundary.
WITH_BOUNDARY = {
    *("iam:CreateRole", "iam:UpdateRole", "iam:UpdateAssumeRolePolicy", "iam:PutRolePolicy", "iam:DeleteRolePolicy"),
    *("iam:AttachRolePolicy", "iam:DetachRolePolicy", "iam:PutRolePermissionsBoundary"),
}
# What AWS' own policies allow that a role of the template may have, as far as DynamoDB needs it (AWS Backup, "Managed policies").
MANAGED = {
    "AWSBackupServiceRolePolicyForBackup": {
        *("dynamodb:DescribeTable", "dynamodb:CreateBackup", "dynamodb:StartAwsBackupJob", "dynamodb:ListTagsOfResource"),
        *("backup:DescribeBackupVault", "backup:CopyIntoBackupVault", "tag:GetResources"),
    },
    "AWSCodeDeployRoleForLambda": {"cloudwatch:DescribeAlarms", "lambda:GetAlias", "lambda:UpdateAlias"},
}
CHARACTERS = 6144  # Of a managed policy, blanks not counted (IAM, "Quotas").


def unused(kind, action):
    return action not in KEPT and any(fnmatch.fnmatchcase(kind, k) and fnmatch.fnmatchcase(action, a) for k, a in UNUSED)


def needed(kinds):
    """Each action that the types need, with one of the types that does."""
    found = {}
    for kind in sorted(kinds):
        handlers = schema(kind).get("handlers") or {}
        listed = {action for each in HANDLERS for action in handlers.get(each, {}).get("permissions", [])}
        for action in {a for a in listed if not unused(kind, a)} | BESIDES.get(kind, set()):
            found.setdefault(action, kind)
    return found


class Role:
    """The parts of infra/deploy-role.yaml, evaluated for one environment."""

    def __init__(self, template):
        values = {"Repository": "OWNER/NAME", "Environment": "staging", "StackName": "users-staging", "HostedZoneId": "Z0123456789EXAMPLE"}
        self.stack = Evaluator(template, values, "deploy-users-staging")
        self.policies = dict(self.stack.of_type("AWS::IAM::ManagedPolicy"))
        self.roles = dict(self.stack.of_type("AWS::IAM::Role"))

    def statements(self, holder):
        """What the policies of a role, or the policy of this name, say."""
        if holder in self.policies:
            return self.policies[holder]["PolicyDocument"]["Statement"]
        own = [each["PolicyDocument"] for each in self.roles[holder].get("Policies", [])]
        attached = [each["PolicyDocument"] for each in self.policies.values() if f"<{holder}>" in each.get("Roles", [])]
        return [statement for document in own + attached for statement in document["Statement"]]

    def allowed(self, holder):
        return {action for each in self.statements(holder) if each["Effect"] == "Allow" for action in plural(each["Action"])}


def equal(role, kinds):
    """The execution role allows what is needed, and nothing else."""
    wanted, given = needed(kinds), role.allowed("ExecutionRole")
    for action in sorted(set(wanted) - given):
        yield f"the execution role lacks {action}, which {wanted[action]} needs"
    for action in sorted(given - set(wanted)):
        yield f"the execution role allows {action}, which no type in the templates needs"


def narrow(role, _):
    """Actions and resources have names, and roles are made below the boundary."""
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
    """Only the workflow of one environment takes the deploy role, and only CloudFormation the other."""
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
    """A policy is no longer than IAM takes it."""
    for name, policy in role.policies.items():
        size = len("".join(json.dumps(policy["PolicyDocument"], separators=(",", ":")).split()))
        if size > CHARACTERS:
            yield f"{name} has {size} characters of {CHARACTERS}"


def wide_enough(role, outcome):
    """The boundary allows what the roles of the template do."""
    boundary = role.allowed("Boundary")
    for name, entry in outcome["Resources"].items():
        if entry["Type"] != "AWS::IAM::Role":
            continue
        properties = entry["Properties"]
        wanted = set()
        for policy in properties.get("Policies", []):
            for statement in every(policy["PolicyDocument"]["Statement"]):
                wanted |= set(plural(statement["Action"])) if statement["Effect"] == "Allow" else set()
        for policy in properties.get("ManagedPolicyArns", []):
            wanted |= set().union(*(actions for known, actions in MANAGED.items() if known in str(policy)))
        for action in sorted(wanted - boundary):
            yield f"the boundary lacks {action}, which {name} has"


def every(statements):
    """The statements, whichever way their conditions come out."""
    for statement in plural(statements):
        if "Fn::If" in statement:
            yield from every(statement["Fn::If"][1:])
        elif "Effect" in statement:
            yield statement


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--role", default=ROOT / "infra" / "deploy-role.yaml")
    arguments.add_argument("--template", default=ROOT / "template.yaml")
    arguments.add_argument("--monitoring", default=ROOT / "infra" / "monitoring.yaml")
    given = arguments.parse_args()
    role, template, monitoring = (yaml_parse(Path(path).read_text()) for path in (given.role, given.template, given.monitoring))
    role, outcome = Role(role), translated(template, {})
    kinds = {entry["Type"] for each in (outcome, monitoring) for entry in each["Resources"].values()} | PLANNED
    faults = [fault for check in (equal, narrow, taken, small) for fault in check(role, kinds | {"AWS::Serverless-2016-10-31"})]
    faults += [f"AWS' schemas do not say what {kind} needs" for kind in sorted(kinds) if not schema(kind).get("handlers")]
    faults += wide_enough(role, outcome)
    for fault in faults:
        print(f"FAIL {fault}")
    print(f"{'FAIL' if faults else 'ok  '} infra/deploy-role.yaml for {len(kinds)} types of resources")
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
