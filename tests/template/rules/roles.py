"""Roles: who may assume them, and what they allow."""

import re

from evaluate import PSEUDO
from rules import one_each, plural, rule

# Actions without resource types, or whose resource cannot be known in advance: each with its reason.
ANY_RESOURCE = {
    "cloudwatch:ListMetrics": "has no resource",
    "cloudwatch:GetMetricData": "has no resource",
    "cloudwatch:DescribeAlarms": "alarms are named by CloudFormation; nothing in them is secret",
    "ses:GetAccount": "is about the account",
    "dynamodb:ListStreams": "lists all of them; Lambda asks it of whoever reads a stream",
    "xray:PutTraceSegments": "has no resource",
    "xray:PutTelemetryRecords": "has no resource",
    "xray:GetSamplingRules": "has no resource",
    "xray:GetSamplingTargets": "has no resource",
}
# Actions that a condition restricts instead of a resource: the condition's key.
NARROWED = {"ses:SendEmail": "ses:FromAddress"}
SERVICES = {f"{name}.amazonaws.com" for name in ("lambda", "apigateway", "scheduler", "codedeploy", "backup")}
# AWS' managed policies, with the service that each is meant for.
MANAGED = re.compile(
    r"arn:aws:iam::aws:policy/service-role/(AWSCodeDeployRoleForLambda(Limited)?|AWSBackupServiceRolePolicyFor(Backup|Restores))"
)


def roles(deployment):
    return deployment.stack.of_type("AWS::IAM::Role")


def statements(role):
    for policy in role.get("Policies", []):
        yield from plural(policy["PolicyDocument"]["Statement"])


def allowed(deployment):
    """Each Allow statement of roles and of separate policies."""
    for name, role in roles(deployment):
        for statement in statements(role):
            if statement["Effect"] == "Allow":
                yield name, statement
    for name, policy in deployment.stack.of_type("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy"):
        for statement in plural(policy["PolicyDocument"]["Statement"]):
            if statement["Effect"] == "Allow":
                yield name, statement


@rule("every function has a role of its own")
def own(deployment):
    names = {f"<{name}.Arn>" for name, _ in roles(deployment)}
    functions = deployment.stack.of_type("AWS::Lambda::Function")
    yield from one_each(names, ((name, function["Role"]) for name, function in functions), "has")


@rule("roles name their actions")
def actions(deployment):
    for name, statement in allowed(deployment):
        if "NotAction" in statement:
            yield f"{name} allows everything but {statement['NotAction']}"
        for action in plural(statement.get("Action")):
            if "*" in action:
                yield f"{name} allows {action}"


@rule("roles name their resources")
def resources(deployment):
    for name, statement in allowed(deployment):
        keys = {key for test in statement.get("Condition", {}).values() for key in test}
        if "NotResource" in statement:
            yield f"{name} allows it on everything but {statement['NotResource']}"
        for resource in plural(statement.get("Resource")):
            for action in plural(statement.get("Action")):
                narrowed = NARROWED.get(action) in keys or resource.endswith(f":{deployment.stack_name}-*")
                if "*" in resource.removesuffix(":*") and action not in ANY_RESOURCE and not narrowed:
                    yield f"{name} allows {action} on {resource}"


@rule("every role's policies stand in the template")
def managed(deployment):
    for name, role in roles(deployment):
        for policy in role.get("ManagedPolicyArns", []):
            if not MANAGED.fullmatch(str(policy)):
                yield f"{name} has {policy}"


@rule("only services that this stack uses may take a role")
def trust(deployment):
    for name, role in roles(deployment):
        for statement in plural(role["AssumeRolePolicyDocument"]["Statement"]):
            principal = statement.get("Principal", {})
            services = plural(principal.get("Service")) if isinstance(principal, dict) else []
            others = principal if not isinstance(principal, dict) else {k: v for k, v in principal.items() if k != "Service"}
            if others or not services or not set(services) <= SERVICES:
                yield f"{name} may be taken by {principal}"


@rule("a function writes its own log alone")
def logs(deployment):
    for name, function in deployment.stack.of_type("AWS::Lambda::Function"):
        group = function.get("LoggingConfig", {}).get("LogGroup", "<none>").strip("<>")
        role = function["Role"].strip("<>").removesuffix(".Arn")
        own = dict(roles(deployment)).get(role, {})
        writes = {
            action: plural(statement["Resource"])
            for statement in statements(own)
            for action in plural(statement.get("Action"))
            if action.startswith("logs:")
        }
        for action in ("logs:CreateLogStream", "logs:PutLogEvents"):
            if action not in writes:
                yield f"{role} lacks {action}"
        for action, where in writes.items():
            if any(resource.removesuffix(":*") != f"<{group}.Arn>" for resource in where):
                yield f"{role} allows {action} on {where}, the log of {name} is {group}"


@rule("every role has the boundary, if there is one")
def boundary(deployment):
    if name := deployment.stack.parameters.get("PermissionsBoundary"):
        for logical, role in roles(deployment):
            if role.get("PermissionsBoundary") != f"arn:aws:iam::{PSEUDO['AWS::AccountId']}:policy/{name}":
                yield f"{logical} has {role.get('PermissionsBoundary')}"


@rule("a schedule's role calls that schedule's function, and leaves what failed in its queue")
def schedules(deployment):
    for name, schedule in deployment.stack.of_type("AWS::Scheduler::Schedule"):
        target = schedule["Target"]
        role = dict(roles(deployment)).get(target["RoleArn"].removeprefix("<").removesuffix(".Arn>"), {})
        needs = {("lambda:InvokeFunction", target["Arn"])}
        needs |= {("sqs:SendMessage", queue) for queue in plural(target.get("DeadLetterConfig", {}).get("Arn"))}
        has = {(action, where) for each in statements(role) for action in plural(each["Action"]) for where in plural(each["Resource"])}
        for action, where in sorted(needs - has):
            yield f"the role of {name} lacks {action} on {where}"
        for action, where in sorted(has - needs):
            yield f"the role of {name} allows {action} on {where}"
