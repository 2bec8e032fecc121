"""Only the API is public."""

from rules import plural, rule

POLICIES = {
    "AWS::SQS::QueuePolicy": "PolicyDocument",
    "AWS::SNS::TopicPolicy": "PolicyDocument",
    "AWS::SecretsManager::ResourcePolicy": "ResourcePolicy",
    "AWS::KMS::Key": "KeyPolicy",
    "AWS::DynamoDB::Table": "ResourcePolicy",
    "AWS::S3::BucketPolicy": "PolicyDocument",
    "AWS::Backup::BackupVault": "AccessPolicy",
    "AWS::Events::EventBusPolicy": "Statement",
    "AWS::Logs::ResourcePolicy": "PolicyDocument",
}
# Condition keys that restrict a statement's principals.
NAMING = ("aws:sourcearn", "aws:sourceaccount", "aws:principalarn", "aws:principalaccount", "aws:principalorgid", "kms:calleraccount")


def policy_statements(deployment):
    for stack in deployment.stacks:
        for kind, key in POLICIES.items():
            for name, properties in stack.of_type(kind):
                document = properties.get(key, {})
                document = document.get("PolicyDocument", document) if isinstance(document, dict) else {"Statement": document}
                for statement in plural(document.get("Statement")):
                    yield kind, name, statement


@rule("no policy of a resource is for everybody")
def everybody(deployment):
    for _, name, statement in policy_statements(deployment):
        principal = statement.get("Principal", {})
        parties = [principal] if isinstance(principal, str) else [each for value in principal.values() for each in plural(value)]
        keys = {key.lower() for test in statement.get("Condition", {}).values() for key in test}
        if statement["Effect"] == "Allow" and "*" in parties and not keys & set(NAMING):
            yield f"{name} lets everybody {statement['Action']}"


@rule("a service acts for this account's resources alone")
def confused(deployment):
    for kind, name, statement in policy_statements(deployment):
        principal = statement.get("Principal", {})
        service = principal.get("Service") if isinstance(principal, dict) else None
        keys = {key.lower() for test in statement.get("Condition", {}).values() for key in test}
        if service and statement["Effect"] == "Allow" and kind != "AWS::KMS::Key" and not keys & set(NAMING):
            yield f"{name} lets {service} {statement['Action']}, whoever it does so for"


@rule("whoever may invoke a function is named")
def invokers(deployment):
    for name, permission in deployment.stack.of_type("AWS::Lambda::Permission"):
        if not permission.get("SourceArn") and not permission.get("SourceAccount"):
            yield f"{name} lets {permission['Principal']} invoke it for anybody"
        if "*" in str(permission["Principal"]) or "FunctionUrlAuthType" in permission:
            yield f"{name} is for {permission['Principal']}"


@rule("no function has an address of its own")
def urls(deployment):
    for name, url in deployment.stack.of_type("AWS::Lambda::Url"):
        yield f"{name}: {url.get('AuthType')}"


@rule("data at rest is encrypted")
def encrypted(deployment):
    for name, table in deployment.stack.of_type("AWS::DynamoDB::Table"):
        if str(table.get("SSESpecification", {}).get("SSEEnabled", "")).lower() != "true":
            yield f"{name} has no SSESpecification"
    for name, queue in deployment.stack.of_type("AWS::SQS::Queue"):
        managed = str(queue.get("SqsManagedSseEnabled", "")).lower() == "true"
        if not managed and not queue.get("KmsMasterKeyId"):
            yield f"{name} is not"


# The property of each resource type that names its encryption key.
KEYS = {
    "AWS::DynamoDB::Table": lambda table: table.get("SSESpecification", {}).get("KMSMasterKeyId"),
    "AWS::Logs::LogGroup": lambda group: group.get("KmsKeyId"),
    "AWS::SecretsManager::Secret": lambda secret: secret.get("KmsKeyId"),
    "AWS::SQS::Queue": lambda queue: queue.get("KmsMasterKeyId"),
}


@rule("a key of one's own encrypts tables, secrets, log groups and queues")
def own_key(deployment):
    key = deployment.given.get("KmsKeyArn")
    for kind, named in KEYS.items() if key else ():
        for name, properties in deployment.stack.of_type(kind):
            if named(properties) != key:
                yield f"{name} is encrypted with {named(properties) or 'a key of AWS'}"


@rule("the table of record outlives its stack")
def record(deployment):
    for name, entry in deployment.stack.resources.items():
        if name == "UsersTable":
            table = entry["Properties"]
            kept = {entry.get("DeletionPolicy"), entry.get("UpdateReplacePolicy")}
            recovery = table.get("PointInTimeRecoverySpecification", {}).get("PointInTimeRecoveryEnabled")
            if kept != {"Retain"} or not recovery or not table.get("DeletionProtectionEnabled"):
                yield f"{name}: kept {kept}, recovery {recovery}, protection {table.get('DeletionProtectionEnabled')}"


KEEPERS = {"AWS::DynamoDB::Table", "AWS::SecretsManager::Secret", "AWS::Logs::LogGroup", "AWS::KMS::Key"}


@rule("whatever holds data says what becomes of it")
def deletion(deployment):
    for stack in deployment.stacks:
        for name, entry in stack.resources.items():
            if entry["Type"] in KEEPERS and not {"DeletionPolicy", "UpdateReplacePolicy"} <= set(entry):
                yield f"{name} does not"
