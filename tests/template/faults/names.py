"""Faults of names, references and parameters."""

from faults import add, events, fault, first


@fault("no resource has a fixed physical name", source=True)
def schedule_with_its_logical_name(sources):
    _, _, event = next(events(sources, "ScheduleV2"))
    event["Properties"].pop("OmitName", None)


@fault("no resource has a fixed physical name")
def table_named_by_the_environment(deployment):
    first(deployment, "AWS::DynamoDB::Table")["TableName"] = {"Fn::Sub": "users-${Environment}"}


@fault("no resource has a fixed physical name")
def queue(deployment):
    add(deployment, "AWS::SQS::Queue", {"QueueName": "messages"})


@fault("no resource has a fixed physical name")
def budget(deployment):
    add(deployment, "AWS::Budgets::Budget", {"Budget": {"BudgetName": "month"}})


@fault("no resource has a fixed physical name")
def topic(deployment):
    add(deployment, "AWS::SNS::Topic", {"TopicName": "alarms"})


@fault("no resource has a fixed physical name")
def dashboard_by_a_parameter(deployment):
    deployment.sources.monitoring["Resources"]["Dashboard"]["Properties"]["DashboardName"] = "users"


@fault("a resource's type is known to AWS")
def strange_type(deployment):
    add(deployment, "AWS::Lambda::Funktion", {})


@fault("references resolve, whatever the conditions say", deployment="dev")
def output_of_what_is_not_there(deployment):
    deployment.outcome["Outputs"]["Strange"] = {"Value": {"Fn::GetAtt": ["Domain", "RegionalDomainName"]}}


@fault("no resource waits for itself")
def api_and_role(deployment):
    role = first(deployment, "AWS::IAM::Role", lambda role: role.get("Policies"))
    role["Description"] = {"Fn::Sub": "${HttpApi}"}
    function = first(deployment, "AWS::Lambda::Function")
    function["Description"] = {"Ref": "HttpApi"}
    deployment.outcome["Resources"]["HttpApi"]["DependsOn"] = "AuthFunction"


@fault("the nested stack gets its parameters")
def parameter_that_is_not_passed(deployment):
    deployment.sources.monitoring["Parameters"]["Strange"] = {"Type": "String"}


@fault("the nested stack gets its parameters")
def parameter_that_is_not_known(deployment):
    first(deployment, "AWS::CloudFormation::Stack")["Parameters"]["Strange"] = "1"


@fault("permissions are for resources of the stack")
def permission_for_another(deployment):
    first(deployment, "AWS::Lambda::Permission")["FunctionName"] = "another"


@fault("parameters keep to their own limits", source=True)
def value_that_is_not_allowed(sources):
    sources.template["Parameters"]["Environment"]["AllowedValues"] = ["development"]


@fault("each deployment passes parameters that there are, and all that have no default", source=True)
def parameter_that_is_gone(sources):
    sources.config["production"]["deploy"]["parameters"]["parameter_overrides"] = ["Environment=production", "Gone=1"]


@fault("each deployment passes parameters that there are, and all that have no default", deployment="dev")
def parameter_without_a_value(deployment):
    deployment.outcome["Parameters"]["Strange"] = {"Type": "String"}


@fault("a value that is not shown has no default", source=True)
def default_password(sources):
    sources.template["Parameters"]["Strange"] = {"Type": "String", "NoEcho": True, "Default": "hunter2"}


@fault("logs are kept for a time that CloudWatch knows", source=True)
def ten_days(sources):
    sources.template["Parameters"]["LogRetentionDays"]["Default"] = 10


@fault("the template's own rules take the deployment")
def rule_that_refuses(deployment):
    deployment.outcome.setdefault("Rules", {})["Strange"] = {"Assertions": [{"Assert": {"Fn::Equals": ["a", "b"]}}]}


@fault("production without an operator's address is refused")
def no_rules(deployment):
    deployment.outcome.pop("Rules", None)
