"""Creates, changes and deletes two stacks of a deployment in one account and region of moto's. The first must not affect the second."""

import io
import json
import logging
import os
import warnings
import zipfile

from moto import mock_aws

from emulated import TAKEN, call, support
from transform import Deployment, translated

for key in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
    os.environ[key] = "none"

REGION = "eu-central-1"
CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
# Parameters that are changed while the stacks run, with a visible effect.
CHANGED = {"LogRetentionDays": "90", "LogLevel": "debug"}


def client(service):
    return call(service, REGION)


def artifacts(monitoring):
    """The bucket of `sam package`: one archive for all functions, and the nested template."""
    store = call("s3", "us-east-1")
    store.create_bucket(Bucket="artifacts")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("bootstrap", "")
    store.put_object(Bucket="artifacts", Key="function.zip", Body=archive.getvalue())
    store.put_object(Bucket="artifacts", Key="nested.template", Body=json.dumps(monitoring))


def parameters(deployment, stack, zone, **more):
    """The deployment's parameters; each stack has its own domain, in a zone that exists in moto."""
    given = {**deployment.parameters, **{key: value for key, value in more.items() if key in deployment.declared}}
    if "HostedZoneId" in given:
        given.update(HostedZoneId=zone, DomainName=f"{stack}.example.com")
    return given


def deploy(change, deployment, stack, zone, **more):
    given = parameters(deployment, stack, zone, **more)
    pairs = [{"ParameterKey": key, "ParameterValue": str(value)} for key, value in given.items()]
    outcome = translated(deployment.sources.template, given)
    outcome.pop("Rules", None)  # Evaluated elsewhere; moto does not know them.
    change(StackName=stack, TemplateBody=json.dumps(outcome), Parameters=pairs, Capabilities=CAPABILITIES)


def works(stack, deployment, days, level):
    """The faults of a stack: each function needs its settings, role, log and tables, and each schedule its function."""
    cloud = client("cloudformation")
    made = cloud.describe_stack_resources(StackName=stack)["StackResources"]
    there = {each["LogicalResourceId"]: each for each in made if "LogicalResourceId" in each}
    status = cloud.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
    if status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        yield f"{stack} is {status}"
    for name in sorted(deployment.stack.present - set(there)):
        yield f"{stack} has no {name}"
    tables = {each["PhysicalResourceId"] for each in there.values() if each["ResourceType"] == "AWS::DynamoDB::Table"}
    for name, _ in deployment.stack.of_type("AWS::Lambda::Function"):
        function = client("lambda").get_function(FunctionName=there[name]["PhysicalResourceId"])["Configuration"]
        variables = function["Environment"]["Variables"]
        adopted = deployment.parameters.get("ExistingUsersTable")
        if not {value for key, value in variables.items() if key.endswith("_TABLE")} <= tables | {adopted}:
            yield f"{stack}: {name} uses tables of another stack"
        if variables.get("LOG_LEVEL") != level:
            yield f"{stack}: {name} logs at {variables.get('LOG_LEVEL')}, not {level}"
        client("iam").get_role(RoleName=function["Role"].rsplit("/", 1)[-1])
    for name, _ in deployment.stack.of_type("AWS::Logs::LogGroup"):
        prefix = there[name]["PhysicalResourceId"]
        (group,) = client("logs").describe_log_groups(logGroupNamePrefix=prefix)["logGroups"]
        if str(group.get("retentionInDays")) != days:
            yield f"{stack}: {name} is kept for {group.get('retentionInDays')} days, not {days}"
    for name, _ in deployment.stack.of_type("AWS::Scheduler::Schedule"):
        schedule = client("scheduler").get_schedule(Name=there[name]["PhysicalResourceId"])
        if stack not in schedule["Target"]["Arn"]:
            yield f"{stack}: {name} invokes {schedule['Target']['Arn']}"
    if "UsersTable" in deployment.stack.present:
        key = {"pk": {"S": "USER#1"}, "sk": {"S": "PROFILE"}}
        client("dynamodb").put_item(TableName=there["UsersTable"]["PhysicalResourceId"], Item={**key, "stack": {"S": stack}})


def left(stack):
    """The resources of a stack that are still in the account, by name."""
    names = [
        *client("dynamodb").list_tables()["TableNames"],
        *(each["Name"] for each in client("secretsmanager").list_secrets()["SecretList"]),
        *(each["FunctionName"] for each in client("lambda").list_functions()["Functions"]),
        *(each["RoleName"] for each in client("iam").list_roles(MaxItems=1000)["Roles"]),
        *(each["logGroupName"] for each in client("logs").describe_log_groups()["logGroups"]),
        *(url.rsplit("/", 1)[-1] for url in client("sqs").list_queues().get("QueueUrls", [])),
        *(each["Name"] for each in client("scheduler").list_schedules()["Schedules"]),
        *(each["AlarmName"] for each in client("cloudwatch").describe_alarms()["MetricAlarms"]),
    ]
    return [name for name in names if name.startswith(f"{stack}-")]


def kept(deployment):
    """The resources that are kept when their stack is deleted."""
    return {name for name, entry in deployment.stack.resources.items() if entry.get("DeletionPolicy") == "Retain"}


def types(deployment):
    return {entry["Type"] for stack in deployment.stacks for entry in stack.resources.values()}


def side_by_side(name, sources):
    """The faults of two stacks of this deployment in one account."""
    logging.getLogger("moto").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    deployment = Deployment(name, sources)
    support(types(deployment))
    TAKEN.clear()
    days = deployment.stack.parameters.get("LogRetentionDays", "30")
    level = deployment.stack.parameters.get("LogLevel", "info")
    with mock_aws(config={"lambda": {"use_docker": False}}):
        artifacts(sources.monitoring)
        zone = client("route53").create_hosted_zone(Name="example.com", CallerReference="1")["HostedZone"]["Id"].rsplit("/", 1)[-1]
        cloud = client("cloudformation")
        stacks = [deployment.stack_name.removeprefix("second-"), deployment.stack_name]
        for stack in stacks:
            try:
                deploy(cloud.create_stack, deployment, stack, zone)
            except Exception as error:  # With any error of moto the stack cannot be created.
                yield f"{stack} cannot be made: {error}"
                return
        for stack in stacks:
            yield from works(stack, deployment, days, level)
        deploy(cloud.update_stack, deployment, stacks[0], zone, **CHANGED)
        yield from works(stacks[0], deployment, CHANGED["LogRetentionDays"], CHANGED["LogLevel"])
        yield from works(stacks[1], deployment, days, level)
        cloud.delete_stack(StackName=stacks[0])
        stay = kept(deployment)
        for each in left(stacks[0]):
            if not any(logical in each for logical in stay):
                yield f"{each} stays when {stacks[0]} goes"
        yield from works(stacks[1], deployment, days, level)
