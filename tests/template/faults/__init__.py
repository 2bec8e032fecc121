"""Tests each rule with a fault of its kind: a rule that does not find it cannot fail.

Faults of the template are put in before the transform, faults of the outcome after it, which is quicker."""

import copy
from collections.abc import Callable
from dataclasses import dataclass

from transform import Deployment

FAULTS = []


@dataclass
class Fault:
    rule: str
    put: Callable
    deployment: str
    source: bool


def fault(rule, deployment="production", source=False):
    """Adds a function that puts a fault into a deployment's outcome, or into the sources."""

    def add(function):
        FAULTS.append(Fault(rule, function, deployment, source))
        return function

    return add


def found(one, base, check):
    """Whether the rule finds something with this fault that it did not find before."""
    before = set(check(base))
    if one.source:
        sources = base.sources.copy()
        one.put(sources)
        changed = Deployment(base.name, sources)
    else:
        changed = Deployment(base.name, base.sources.copy())
        changed.outcome, changed.present = copy.deepcopy(base.outcome), base.stack.present
        one.put(changed)
    return bool(set(check(changed)) - before)


def first(deployment, kind, where=lambda _: True):
    """The properties of the deployment's first resource of a type."""
    present = (each for name, each in deployment.outcome["Resources"].items() if name in deployment.present)
    of_kind = (each.setdefault("Properties", {}) for each in present if each["Type"] == kind)
    return next(properties for properties in of_kind if where(properties))


def add(deployment, kind, properties):
    deployment.outcome["Resources"]["Strange"] = {"Type": kind, "Properties": properties}


def alarm(deployment, where=lambda _: True):
    alarms = deployment.sources.monitoring["Resources"].values()
    return next(a["Properties"] for a in alarms if a["Type"] == "AWS::CloudWatch::Alarm" and where(a["Properties"]))


def statement(deployment):
    """The first statement of the first role with policies."""
    return first(deployment, "AWS::IAM::Role", lambda role: role.get("Policies"))["Policies"][0]["PolicyDocument"]["Statement"][0]


def events(sources, kind):
    """All functions' events of a type, each with its function's events."""
    for entry in sources.template["Resources"].values():
        all_of_it = entry["Properties"].get("Events", {}) if entry["Type"] == "AWS::Serverless::Function" else {}
        yield from ((all_of_it, name, each) for name, each in all_of_it.items() if each["Type"] == kind)


def api(sources):
    return next(e["Properties"] for e in sources.template["Resources"].values() if e["Type"] == "AWS::Serverless::HttpApi")


def load():
    from faults import functions, gateway, monitoring, names, resources  # noqa: F401

    return FAULTS
