"""Alarms and dashboards: alarms have a recipient, and both are about this stack only."""

import json
import re

from evaluate import symbols
from rules import plural, rule

# Metrics of the whole account, not of a stack: Amazon SES judges the account's reputation.
ACCOUNT = {("AWS/SES", "Reputation.BounceRate"), ("AWS/SES", "Reputation.ComplaintRate")}


def alarms(deployment):
    for stack in deployment.stacks:
        yield from stack.of_type("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")


def told(deployment):
    """Whether there is a recipient for alarms."""
    return bool(deployment.given.get("OperatorEmail"))


def metrics(alarm):
    """The namespace, name and dimensions of each metric of an alarm."""
    stats = [each["MetricStat"]["Metric"] for each in alarm.get("Metrics", []) if "MetricStat" in each]
    for metric in stats or ([alarm] if "MetricName" in alarm else []):
        yield metric["Namespace"], metric["MetricName"], {d["Name"]: d["Value"] for d in metric.get("Dimensions", [])}


def of_stack(deployment, value):
    """Whether no other stack has the value: the stack's name, one of its resources, or an adopted one."""
    return value == deployment.stack_name or bool(symbols(value)) or value in deployment.adopted


@rule("alarms tell an operator, also that all is well again")
def actions(deployment):
    for name, alarm in alarms(deployment):
        for key in ("AlarmActions", "OKActions"):
            topics = [topic for topic in plural(alarm.get(key)) if symbols(topic) or str(topic).startswith("arn:")]
            if told(deployment) and not topics:
                yield f"{name} has no {key}"
        if str(alarm.get("ActionsEnabled", True)).lower() != "true":
            yield f"{name} is switched off"


@rule("the operator's address is subscribed to the alarms")
def subscribed(deployment):
    address = deployment.given.get("OperatorEmail")
    subscribers = [each for stack in deployment.stacks for _, each in stack.of_type("AWS::SNS::Subscription")]
    inline = [s for stack in deployment.stacks for _, t in stack.of_type("AWS::SNS::Topic") for s in t.get("Subscription", [])]
    endpoints = [each.get("Endpoint") for each in subscribers + inline]
    if told(deployment) and address not in endpoints:
        yield f"no topic tells {address}"


@rule("an alarm says what missing data mean, and a new stack tells nobody")
def missing(deployment):
    for name, alarm in alarms(deployment):
        means = alarm.get("TreatMissingData")
        if "MetricName" not in alarm and "Metrics" not in alarm:
            continue
        if means == "breaching":
            yield f"{name} alarms on a stack that is a minute old"
        elif means == "missing" and not alarm.get("InsufficientDataActions"):
            yield f"{name} tells nobody when its metric ends"
        elif means not in ("notBreaching", "ignore", "missing"):
            yield f"{name} does not say"


@rule("alarms are about this stack's metrics alone")
def dimensions(deployment):
    for name, alarm in alarms(deployment):
        for namespace, metric, given in metrics(alarm):
            own = namespace.startswith("AWS/") and any(of_stack(deployment, value) for value in given.values())
            named = deployment.stack_name in [*given.values(), *namespace.split("/")]
            if not own and not named and (namespace, metric) not in ACCOUNT:
                yield f"{name}: {namespace} {metric} {given} is another stack's, too"
        for each in alarm.get("Metrics", []):
            query = each.get("Expression", "")
            if query.startswith(("SELECT", "SEARCH")) and not re.search(rf"['\"/]{re.escape(deployment.stack_name)}['\"]", query):
                yield f"{name}: {query} is about other stacks, too"


@rule("dashboards are about this stack's metrics alone")
def dashboards(deployment):
    for stack in deployment.stacks:
        for name, dashboard in stack.of_type("AWS::CloudWatch::Dashboard"):
            for widget in json.loads(dashboard["DashboardBody"])["widgets"]:
                for row in widget["properties"].get("metrics", []):
                    yield from (f"{name}: {text}" for text in others(deployment, row))


def others(deployment, row):
    """The data of other stacks in a row of a widget."""
    options = row[-1] if isinstance(row[-1], dict) else {}
    if "expression" in options:
        for search in re.findall(r"SEARCH\('([^']*)'", options["expression"]):
            if deployment.stack_name not in search and not symbols(search):
                yield f"SEARCH {search}"
    elif isinstance(row[0], str):
        values = [each for each in row[2:] if isinstance(each, str)][1::2]
        if not any(of_stack(deployment, value) for value in values) and tuple(row[:2]) not in ACCOUNT:
            yield " ".join(each for each in row if isinstance(each, str))


@rule("an alarm watches each function's errors and throttles")
def functions(deployment):
    if not told(deployment):
        return
    watched = {}
    for _, alarm in alarms(deployment):
        for namespace, metric, given in metrics(alarm):
            if namespace == "AWS/Lambda":
                for name in symbols(given.get("FunctionName", "")):
                    watched.setdefault(metric, set()).add(name)
        for each in alarm.get("Metrics", []):
            if "AWS/Lambda" in each.get("Expression", ""):
                watched.setdefault(re.search(r"\((\w+)\)", each["Expression"])[1], set()).update(symbols(each["Expression"]))
    for name, _ in deployment.stack.of_type("AWS::Lambda::Function"):
        for metric in ("Errors", "Throttles"):
            if name not in watched.get(metric, set()):
                yield f"{metric} of {name}"


@rule("an alarm watches the throttles of each table and of each index")
def tables(deployment):
    if not told(deployment):
        return
    watched = set()
    for _, alarm in alarms(deployment):
        for namespace, metric, given in metrics(alarm):
            if namespace == "AWS/DynamoDB":
                for table in symbols(given.get("TableName", "")):
                    watched.add((table, given.get("GlobalSecondaryIndexName"), metric))
    for name, table in deployment.stack.of_type("AWS::DynamoDB::Table"):
        for index in [None, *(each["IndexName"] for each in table.get("GlobalSecondaryIndexes", []))]:
            for metric in ("ReadThrottleEvents", "WriteThrottleEvents"):
                if (name, index, metric) not in watched:
                    yield f"{metric} of {name}{f', index {index}' if index else ''}"


@rule("an alarm watches the age of the stream")
def age(deployment):
    if not told(deployment):
        return
    if not any(metric == "IteratorAge" for _, alarm in alarms(deployment) for _, metric, _ in metrics(alarm)):
        yield "IteratorAge"
