"""Faults of alarms and dashboards."""

import json
import re

from faults import alarm, fault


@fault("alarms tell an operator, also that all is well again")
def silent(deployment):
    alarm(deployment).pop("AlarmActions", None)


@fault("alarms tell an operator, also that all is well again")
def not_well_again(deployment):
    alarm(deployment).pop("OKActions", None)


@fault("the operator's address is subscribed to the alarms")
def nobody(deployment):
    for entry in [*deployment.outcome["Resources"].values(), *deployment.sources.monitoring["Resources"].values()]:
        if entry["Type"] == "AWS::SNS::Subscription":
            entry["Properties"]["Endpoint"] = "somebody@example.com"
        if entry["Type"] == "AWS::SNS::Topic":
            entry.get("Properties", {}).pop("Subscription", None)


@fault("an alarm says what missing data mean, and a new stack tells nobody")
def alarm_of_a_new_stack(deployment):
    alarm(deployment)["TreatMissingData"] = "breaching"


@fault("alarms are about this stack's metrics alone")
def alarm_for_an_environment(deployment):
    alarm(deployment, lambda a: "MetricName" in a).update(
        Namespace="UserManagement", MetricName="requests", Dimensions=[{"Name": "environment", "Value": "production"}]
    )


@fault("alarms are about this stack's metrics alone")
def query_for_an_environment(deployment):
    query = "SELECT SUM(messages_total) FROM SCHEMA(UserManagement, environment) WHERE environment = 'production'"
    alarm(deployment, lambda a: "Metrics" in a)["Metrics"].append({"Id": "q", "Expression": query})


def show(deployment, metric):
    """Replaces the dashboard by one graph of one metric."""
    body = {"widgets": [{"type": "metric", "properties": {"metrics": [metric]}}]}
    deployment.sources.monitoring["Resources"]["Dashboard"]["Properties"]["DashboardBody"] = json.dumps(body)


@fault("dashboards are about this stack's metrics alone")
def dashboard_for_an_environment(deployment):
    show(deployment, ["UserManagement", "requests", "environment", "production"])


@fault("dashboards are about this stack's metrics alone")
def search_of_all(deployment):
    show(deployment, [{"expression": "SEARCH('{UserManagement,environment} MetricName=1', 'Sum', 60)"}])


def unwatched(metric):
    """Removes a metric from all alarms."""

    def put(deployment):
        for entry in [*deployment.outcome["Resources"].values(), *deployment.sources.monitoring["Resources"].values()]:
            if entry["Type"] == "AWS::CloudWatch::Alarm":
                alarm = entry["Properties"]
                if alarm.get("MetricName") == metric:
                    alarm["MetricName"] = "Strange"
                for each in alarm.get("Metrics", []):
                    if each.get("MetricStat", {}).get("Metric", {}).get("MetricName") == metric:
                        each["MetricStat"]["Metric"]["MetricName"] = "Strange"
                    if "Expression" in each and isinstance(each["Expression"], str):
                        each["Expression"] = re.sub(rf"\b{metric}\b", "Strange", each["Expression"])

    put.__name__ = f"unwatched {metric}"
    return put


for watched in ("Errors", "Throttles"):
    fault("an alarm watches each function's errors and throttles")(unwatched(watched))
for watched in ("ReadThrottleEvents", "WriteThrottleEvents"):
    fault("an alarm watches the throttles of each table and of each index")(unwatched(watched))
fault("an alarm watches the age of the stream")(unwatched("IteratorAge"))
