"""The permissions that resource types need from the role that creates them: those in AWS' schemas, corrected."""

import fnmatch

from rules.names import schema

HANDLERS = ("create", "read", "update", "delete")
# Actions that a schema lists for a property that no resource here has, by type; * is any type or action. A permission that is not granted
# cannot be misused. A deployment that sets such a property fails; then remove its line here.
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
KEPT = {"lambda:GetFunctionCodeSigningConfig"}  # This read happens even if there is nothing to read.
# Actions that the schemas do not list, with their source.
BESIDES = {
    # API Gateway, "Configure logging for HTTP APIs": setting an access log needs them, on all resources.
    "AWS::ApiGatewayV2::Stage": {
        *("logs:CreateLogDelivery", "logs:GetLogDelivery", "logs:UpdateLogDelivery", "logs:DeleteLogDelivery", "logs:ListLogDeliveries"),
        *("logs:DescribeLogGroups", "logs:DescribeResourcePolicies", "logs:PutResourcePolicy"),
    },
    # API Gateway, "Using service-linked roles": the role is created with the first domain.
    "AWS::ApiGatewayV2::DomainName": {"iam:CreateServiceLinkedRole"},
    # CloudFormation, "TemplateURL": the role that creates the nested stack reads it.
    "AWS::CloudFormation::Stack": {"s3:GetObject"},
    # As for its record sets; AWS has no schema for the group.
    "AWS::Route53::RecordSetGroup": {
        *("route53:ChangeResourceRecordSets", "route53:GetChange", "route53:GetHostedZone"),
        *("route53:ListHostedZones", "route53:ListResourceRecordSets"),
    },
    # CloudFormation, "Permissions for macros": the change set of a template with SAM's transform.
    "AWS::Serverless-2016-10-31": {"cloudformation:CreateChangeSet"},
}


def unused(kind, action):
    return action not in KEPT and any(fnmatch.fnmatchcase(kind, k) and fnmatch.fnmatchcase(action, a) for k, a in UNUSED)


def needed(kinds):
    """Each action that the types need, with one of the types that need it."""
    found = {}
    for kind in sorted(kinds):
        handlers = schema(kind).get("handlers") or {}
        listed = {action for each in HANDLERS for action in handlers.get(each, {}).get("permissions", [])}
        for action in {a for a in listed if not unused(kind, a)} | BESIDES.get(kind, set()):
            found.setdefault(action, kind)
    return found
