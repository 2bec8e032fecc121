"""Faults of functions, of their roles and of releases."""

from faults import events, fault, first, statement
from transform import HIDDEN


@fault("every log group has a retention")
def kept_for_ever(deployment):
    first(deployment, "AWS::Logs::LogGroup").pop("RetentionInDays", None)


@fault("every function has a log group of its own in the stack")
def log_that_lambda_makes(deployment):
    first(deployment, "AWS::Lambda::Function").pop("LoggingConfig", None)


@fault("every function has a log group of its own in the stack")
def one_log_for_two(deployment):
    functions = [e["Properties"] for e in deployment.outcome["Resources"].values() if e["Type"] == "AWS::Lambda::Function"]
    functions[0]["LoggingConfig"] = functions[1]["LoggingConfig"]


def variables(deployment):
    return first(deployment, "AWS::Lambda::Function")["Environment"]["Variables"]


@fault("no environment holds a secret")
def password_in_the_environment(deployment):
    variables(deployment)["SMTP_PASSWORD"] = {"Ref": "ProjectName"}


@fault("no environment holds a secret")
def resolved_secret(deployment):
    variables(deployment)["SMTP_AUTH"] = "{{resolve:secretsmanager:smtp}}"


@fault("a value that is not shown is nowhere but in a secret")
def hidden_in_the_environment(deployment):
    variables(deployment)["SMTP_AUTH"] = HIDDEN


@fault("functions are built for the architecture that was asked for", deployment="es256")
def another_architecture(deployment):
    first(deployment, "AWS::Lambda::Function")["Architectures"] = ["arm64"]


@fault("functions know their stack's name")
def environment_alone(deployment):
    own = variables(deployment)
    for name in [name for name, value in own.items() if "AWS::StackName" in str(value)]:
        own[name] = {"Ref": "Environment"}


@fault("a reserved concurrency is asked for, never there by default", deployment="dev")
def reserved(deployment):
    first(deployment, "AWS::Lambda::Function")["ReservedConcurrentExecutions"] = 10


@fault("every function has a role of its own")
def one_role_for_two(deployment):
    functions = [e["Properties"] for e in deployment.outcome["Resources"].values() if e["Type"] == "AWS::Lambda::Function"]
    functions[0]["Role"] = functions[1]["Role"]


@fault("roles name their actions")
def every_action(deployment):
    statement(deployment)["Action"] = ["dynamodb:*"]


@fault("roles name their resources")
def every_resource(deployment):
    statement(deployment)["Resource"] = "*"


@fault("roles name their resources")
def any_sender(deployment):
    statement(deployment).update(Action="ses:SendEmail", Resource={"Fn::Sub": "arn:aws:ses:${AWS::Region}:1:identity/*"})


@fault("every role's policies stand in the template")
def administrator(deployment):
    first(deployment, "AWS::IAM::Role")["ManagedPolicyArns"] = ["arn:aws:iam::aws:policy/AdministratorAccess"]


@fault("only services that this stack uses may take a role")
def taken_by_an_account(deployment):
    trust = first(deployment, "AWS::IAM::Role")["AssumeRolePolicyDocument"]["Statement"][0]
    trust["Principal"] = {"AWS": "arn:aws:iam::999999999999:root"}


@fault("only services that this stack uses may take a role")
def taken_by_another_service(deployment):
    trust = first(deployment, "AWS::IAM::Role")["AssumeRolePolicyDocument"]["Statement"][0]
    trust["Principal"] = {"Service": "ec2.amazonaws.com"}


@fault("a function writes its own log alone")
def another_log(deployment):
    for entry in deployment.outcome["Resources"].values():
        for policy in entry.get("Properties", {}).get("Policies", []) if entry["Type"] == "AWS::IAM::Role" else []:
            for each in policy["PolicyDocument"]["Statement"]:
                if "logs:PutLogEvents" in each.get("Action", []):  # Other statements depend on a condition.
                    each["Resource"] = {"Fn::GetAtt": ["DocsLogs", "Arn"]}


@fault("in production each function of the API is released step by step")
def all_at_once(deployment):
    for entry in deployment.outcome["Resources"].values():
        if entry["Type"] == "AWS::Lambda::Alias":
            entry.pop("UpdatePolicy", None)


@fault("whatever calls a function that is released step by step calls its alias")
def around_the_alias(deployment):
    resources = deployment.outcome["Resources"]
    alias = next(e for e in resources.values() if e["Type"] == "AWS::Lambda::Alias" and "UpdatePolicy" in e)
    first(deployment, "AWS::Lambda::Permission")["FunctionName"] = alias["Properties"]["FunctionName"]


@fault("alarms take a release back")
def release_without_alarms(deployment):
    first(deployment, "AWS::CodeDeploy::DeploymentGroup").pop("AlarmConfiguration", None)


@fault("alarms take a release back")
def release_that_stays(deployment):
    first(deployment, "AWS::CodeDeploy::DeploymentGroup").pop("AutoRollbackConfiguration", None)


@fault("each alarm of a release has a name", deployment="dev", source=True)
def alarm_that_is_not_there(sources):
    alarm = {"Fn::If": ["GoesBack", {"Ref": "ReleaseErrorsAlarm"}, {"Ref": "AWS::NoValue"}]}
    sources.template["Globals"]["Function"]["DeploymentPreference"]["Alarms"] = [alarm]


@fault("every role has the boundary, if there is one", deployment="adopted")
def role_beyond_the_boundary(deployment):
    first(deployment, "AWS::IAM::Role").pop("PermissionsBoundary", None)


@fault("every role has the boundary, if there is one", deployment="adopted", source=True)
def schedule_beyond_the_boundary(sources):
    for _, _, event in events(sources, "ScheduleV2"):
        event["Properties"].pop("PermissionsBoundary", None)


@fault("a schedule's role calls that schedule's function, and leaves what failed in its queue")
def schedule_of_another_function(deployment):
    schedule = first(deployment, "AWS::Scheduler::Schedule")
    schedule["Target"]["Arn"] = {"Ref": "RotationFunctionAliaslive"}


@fault("a schedule's role calls that schedule's function, and leaves what failed in its queue")
def schedule_without_a_way_to_its_queue(deployment):
    schedule = first(deployment, "AWS::Scheduler::Schedule", lambda p: "DeadLetterConfig" in p["Target"])
    role = deployment.outcome["Resources"][schedule["Target"]["RoleArn"]["Fn::GetAtt"][0]]["Properties"]
    role["Policies"] = [each for each in role["Policies"] if "sqs:" not in str(each)]
