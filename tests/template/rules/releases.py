"""Releases: a failing version is rolled back automatically."""

from evaluate import symbols
from rules import rule
from rules.delivery import target


def aliases(deployment):
    """Each alias by its function, and whether CodeDeploy moves it."""
    found = {}
    for name, alias in deployment.stack.of_type("AWS::Lambda::Alias"):
        moved = deployment.stack.resources[name].get("UpdatePolicy", {}).get("CodeDeployLambdaAliasUpdate")
        for function in symbols(alias["FunctionName"]):
            found[function] = (name, moved)
    return found


@rule("in production each function of the API is released step by step")
def gradual(deployment):
    if deployment.name == "production":
        for function in sorted({called(deployment, o) for o in deployment.routes.values()}):
            if not aliases(deployment).get(function, (None, None))[1]:
                yield f"{function} is replaced all at once"


def called(deployment, operation):
    """The function that a route calls."""
    (symbol,) = symbols(operation["x-amazon-apigateway-integration"]["uri"])
    return target(symbol, {name for name, _ in deployment.stack.of_type("AWS::Lambda::Function")})


@rule("whatever calls a function that is released step by step calls its alias")
def through(deployment):
    moved = {function: alias for function, (alias, policy) in aliases(deployment).items() if policy}
    for route, operation in deployment.routes.items():
        for symbol in symbols(operation["x-amazon-apigateway-integration"]["uri"]):
            if symbol in moved:
                yield f"{route} calls $LATEST of {symbol}"
    for name, permission in deployment.stack.of_type("AWS::Lambda::Permission"):
        for symbol in symbols(permission["FunctionName"]):
            if symbol in moved:
                yield f"{name} is for $LATEST of {symbol}"


@rule("alarms take a release back")
def alarms(deployment):
    for name, group in deployment.stack.of_type("AWS::CodeDeploy::DeploymentGroup"):
        given = group.get("AlarmConfiguration", {})
        back = group.get("AutoRollbackConfiguration", {})
        step = group.get("DeploymentConfigName", "")
        if "AllAtOnce" in str(step):
            continue
        if not given.get("Alarms") or not given.get("Enabled", True):
            yield f"{name} has no alarm"
        if not back.get("Enabled") or "DEPLOYMENT_STOP_ON_ALARM" not in back.get("Events", []):
            yield f"{name} does not go back"


@rule("each alarm of a release has a name")
def named(deployment):
    for name, group in deployment.stack.of_type("AWS::CodeDeploy::DeploymentGroup"):
        alarms = {each for each, _ in deployment.stack.of_type("AWS::CloudWatch::Alarm")}
        for alarm in group.get("AlarmConfiguration", {}).get("Alarms", []):
            if not symbols(alarm.get("Name")) & alarms:
                yield f"{name} waits for {alarm}"
