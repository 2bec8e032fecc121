"""The ARNs that the resources of a stack get, and whether a statement of a policy matches one of them, as IAM compares them.

A resource has the name in its template, or the name that CloudFormation makes of the stack's name and the logical id."""

import re

from evaluate import PSEUDO, symbols
from rules import plural
from rules.names import at

REGION, ACCOUNT = PSEUDO["AWS::Region"], PSEUDO["AWS::AccountId"]
KEY, MADE = "11111111-2222-3333-4444-555555555555", "1A2B3C4D5E6F"
# By type: the action that creates a resource, and the ARN that IAM checks. `{}` is the name, `{Property}` what a property refers to.
FORMS = {
    "AWS::ApiGatewayV2::Api": ("apigateway:POST", f"apigateway:{REGION}::/apis"),
    "AWS::ApiGatewayV2::ApiMapping": ("apigateway:POST", f"apigateway:{REGION}::/domainnames/{{DomainName}}/apimappings"),
    "AWS::ApiGatewayV2::DomainName": ("apigateway:POST", f"apigateway:{REGION}::/domainnames"),
    "AWS::ApiGatewayV2::Stage": ("apigateway:POST", f"apigateway:{REGION}::/apis/{{ApiId}}/stages"),
    "AWS::Backup::BackupPlan": ("backup:CreateBackupPlan", f"backup:{REGION}:{ACCOUNT}:backup-plan:{KEY}"),
    "AWS::Backup::BackupSelection": ("backup:CreateBackupSelection", f"backup:{REGION}:{ACCOUNT}:backup-plan:{KEY}"),
    "AWS::Backup::BackupVault": ("backup:CreateBackupVault", f"backup:{REGION}:{ACCOUNT}:backup-vault:{{}}"),
    "AWS::Budgets::Budget": ("budgets:ModifyBudget", f"budgets::{ACCOUNT}:budget/{{}}"),
    "AWS::CloudFormation::Stack": ("cloudformation:CreateStack", f"cloudformation:{REGION}:{ACCOUNT}:stack/{{}}/{KEY}"),
    "AWS::CloudWatch::Alarm": ("cloudwatch:PutMetricAlarm", f"cloudwatch:{REGION}:{ACCOUNT}:alarm:{{}}"),
    "AWS::CloudWatch::Dashboard": ("cloudwatch:PutDashboard", f"cloudwatch::{ACCOUNT}:dashboard/{{}}"),
    "AWS::CodeDeploy::Application": ("codedeploy:CreateApplication", f"codedeploy:{REGION}:{ACCOUNT}:application:{{}}"),
    "AWS::CodeDeploy::DeploymentGroup": (
        "codedeploy:CreateDeploymentGroup",
        f"codedeploy:{REGION}:{ACCOUNT}:deploymentgroup:{{ApplicationName}}/{{}}",
    ),
    "AWS::DynamoDB::Table": ("dynamodb:CreateTable", f"dynamodb:{REGION}:{ACCOUNT}:table/{{}}"),
    "AWS::Events::Rule": ("events:PutRule", f"events:{REGION}:{ACCOUNT}:rule/{{}}"),
    "AWS::IAM::Role": ("iam:CreateRole", f"iam::{ACCOUNT}:role/{{}}"),
    "AWS::Lambda::Alias": ("lambda:CreateAlias", f"lambda:{REGION}:{ACCOUNT}:function:{{FunctionName}}:{{Name}}"),
    "AWS::Lambda::EventInvokeConfig": ("lambda:PutFunctionEventInvokeConfig", f"lambda:{REGION}:{ACCOUNT}:function:{{FunctionName}}"),
    "AWS::Lambda::EventSourceMapping": ("lambda:CreateEventSourceMapping", f"lambda:{REGION}:{ACCOUNT}:event-source-mapping:{KEY}"),
    "AWS::Lambda::Function": ("lambda:CreateFunction", f"lambda:{REGION}:{ACCOUNT}:function:{{}}"),
    "AWS::Lambda::Permission": ("lambda:AddPermission", "{FunctionName}"),
    "AWS::Lambda::Version": ("lambda:PublishVersion", f"lambda:{REGION}:{ACCOUNT}:function:{{FunctionName}}:1"),
    "AWS::Logs::LogGroup": ("logs:CreateLogGroup", f"logs:{REGION}:{ACCOUNT}:log-group:{{}}"),
    "AWS::Route53::RecordSet": ("route53:ChangeResourceRecordSets", "route53:::hostedzone/{HostedZoneId}"),
    "AWS::Route53::RecordSetGroup": ("route53:ChangeResourceRecordSets", "route53:::hostedzone/{HostedZoneId}"),
    "AWS::SES::ConfigurationSet": ("ses:CreateConfigurationSet", f"ses:{REGION}:{ACCOUNT}:configuration-set/{{}}"),
    "AWS::SES::ConfigurationSetEventDestination": (
        "ses:CreateConfigurationSetEventDestination",
        f"ses:{REGION}:{ACCOUNT}:configuration-set/{{ConfigurationSetName}}",
    ),
    "AWS::SES::EmailIdentity": ("ses:CreateEmailIdentity", f"ses:{REGION}:{ACCOUNT}:identity/{{}}"),
    "AWS::SNS::Subscription": ("sns:Subscribe", "{TopicArn}"),
    "AWS::SNS::Topic": ("sns:CreateTopic", f"sns:{REGION}:{ACCOUNT}:{{}}"),
    "AWS::SQS::Queue": ("sqs:CreateQueue", f"sqs:{REGION}:{ACCOUNT}:{{}}"),
    "AWS::SQS::QueuePolicy": ("sqs:SetQueueAttributes", f"sqs:{REGION}:{ACCOUNT}:{{Queues}}"),
    "AWS::Scheduler::Schedule": ("scheduler:CreateSchedule", f"scheduler:{REGION}:{ACCOUNT}:schedule/default/{{}}"),
    "AWS::SecretsManager::RotationSchedule": ("secretsmanager:RotateSecret", "{SecretId}"),
    "AWS::SecretsManager::Secret": ("secretsmanager:CreateSecret", f"secretsmanager:{REGION}:{ACCOUNT}:secret:{{}}-AbCdEf"),
}
# The properties that name a resource and do not contain its type's name.
NAMED = {"AWS::SecretsManager::Secret": "Name", "AWS::SES::EmailIdentity": "EmailIdentity", "AWS::Budgets::Budget": "Budget/BudgetName"}
NAMED |= dict.fromkeys(("AWS::Events::Rule", "AWS::Scheduler::Schedule", "AWS::SES::ConfigurationSet"), "Name")
# Types whose generated names do not contain the stack's, and types whose `Ref` is the ARN.
STACKLESS = {"AWS::SecretsManager::Secret", "AWS::SES::ConfigurationSet"}
BY_ARN = {"AWS::Lambda::Alias", "AWS::Lambda::Version", "AWS::SNS::Topic", "AWS::SecretsManager::Secret"}
# The suffix that an attribute adds to the ARN.
BEHIND = {("AWS::Logs::LogGroup", "Arn"): ":*", ("AWS::DynamoDB::Table", "StreamArn"): "/stream/2026-01-01T00:00:00.000"}
PART = re.compile(r"<([A-Za-z0-9]+)(?:\.([A-Za-z0-9.]+))?>")


class Arns:
    """The names of one stack's resources."""

    def __init__(self, stack):
        self.stack = stack

    def name(self, logical):
        entry = self.stack.resources[logical]
        kind = entry["Type"]
        given = at(entry["Properties"], NAMED.get(kind, f"{kind.rsplit('::', 1)[-1]}Name"))
        return self.plain(given) if given else f"{logical}-{MADE}" if kind in STACKLESS else f"{self.stack.stack}-{logical}-{MADE}"

    def arn(self, logical):
        """The action and the ARN that IAM checks when the resource is created."""
        entry = self.stack.resources[logical]
        form = FORMS[entry["Type"]][1].replace("{}", self.name(logical))
        leads = re.sub(r"\{(\w+)\}", lambda match: self.plain(plural(entry["Properties"][match[1]])[0]), form)
        return leads if leads.startswith("arn:") else f"arn:aws:{leads}"

    def plain(self, text):
        """The text with references replaced as CloudFormation does."""

        def put(match):
            logical, attribute = match.groups()
            kind = self.stack.resources.get(logical, {}).get("Type")
            if kind not in FORMS:
                return match[0]
            if attribute is None:
                return self.arn(logical) if kind in BY_ARN else self.name(logical)
            return self.arn(logical) + BEHIND.get((kind, attribute), "") if attribute.endswith("Arn") else match[0]

        return PART.sub(put, str(text))

    def mark(self, text):
        """The tag that CloudFormation sets on resources, for a reference to a resource that it created."""
        return {"aws:ResourceTag/aws:cloudformation:stack-name": self.stack.stack} if symbols(text) else {}


def like(pattern, text):
    """IAM's own wildcards: brackets have no meaning."""
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), text, re.DOTALL) is not None


def holds(conditions, context):
    """Whether each key is present, and each of its values is one of the wanted ones."""
    for operator, keys in (conditions or {}).items():
        equal = {"StringEquals": str.__eq__, "StringLike": like, "ArnLike": like}[operator]
        for key, wanted in keys.items():
            values = plural(context.get(key))
            if not values or not all(any(equal(each, value) for each in plural(wanted)) for value in values):
                return False
    return True


def allows(statements, action, arn, context):
    return any(
        statement["Effect"] == "Allow"
        and action in plural(statement["Action"])
        and any(like(resource, arn) for resource in plural(statement["Resource"]))
        and holds(statement.get("Condition"), context)
        for statement in statements
    )
