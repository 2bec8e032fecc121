"""Parameters: the values that deployments pass, the defaults, and the values that the template refuses."""

import re

from rules import rule

RETENTION = {1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}


def refused(entry, value):
    """The reason why CloudFormation would refuse this value, if it would."""
    text = str(value)
    if "AllowedValues" in entry and text not in [str(each) for each in entry["AllowedValues"]]:
        return f"{text!r} is none of {entry['AllowedValues']}"
    if "AllowedPattern" in entry and not re.fullmatch(entry["AllowedPattern"], text):
        return f"{text!r} does not match {entry['AllowedPattern']}"
    if entry["Type"] == "Number":
        try:
            number = float(text)
        except ValueError:
            return f"{text!r} is no number"
        if number < float(entry.get("MinValue", number)) or number > float(entry.get("MaxValue", number)):
            return f"{text} is outside of {entry.get('MinValue', '')}..{entry.get('MaxValue', '')}"
    elif not int(entry.get("MinLength", 0)) <= len(text) <= int(entry.get("MaxLength", len(text))):
        return f"{text!r} has {len(text)} characters"
    return None


@rule("parameters keep to their own limits")
def limits(deployment):
    for name, entry in deployment.declared.items():
        for source, value in (("default", entry.get("Default")), ("value", deployment.given.get(name))):
            if value is not None and (why := refused(entry, value)):
                yield f"the {source} of {name}: {why}"


@rule("each deployment passes parameters that there are, and all that have no default")
def given(deployment):
    for name in sorted(set(deployment.given) - set(deployment.declared)):
        yield f"{name} is passed, and the template has no such parameter"
    for name in deployment.stack.missing:
        yield f"{name} has no default and is not passed"


@rule("a value that is not shown has no default")
def hidden(deployment):
    for name, entry in deployment.declared.items():
        if str(entry.get("NoEcho", "")).lower() == "true" and entry.get("Default", "") != "":
            yield f"{name} has one"


@rule("logs are kept for a time that CloudWatch knows")
def retention_default(deployment):
    for name, entry in deployment.declared.items():
        if "Retention" in name and "Log" in name and int(entry.get("Default", 0)) not in RETENTION:
            yield f"the default of {name} is {entry.get('Default')}"


@rule("the template's own rules take the deployment")
def taken(deployment):
    yield from deployment.stack.refusals()


@rule("production without an operator's address is refused")
def operator(deployment):
    if deployment.name == "production":
        without = {name: value for name, value in deployment.parameters.items() if name != "OperatorEmail"}
        if not type(deployment.stack)(deployment.outcome, without, deployment.stack_name).refusals():
            yield "the template takes production without OperatorEmail"
