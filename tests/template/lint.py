"""AWS' schemas and cfn-lint's rules, on the templates as they stand and on what becomes of them."""

import json

from cfnlint import lint

from transform import ROOT, Deployment

REGION = "eu-central-1"


def texts(sources, template, monitoring):
    """What is looked at, by name. An outcome's conditions are looked at either way, so that one is enough."""
    others = sorted(path for path in (ROOT / "infra").glob("*.yaml") if path.name != "monitoring.yaml")
    files = {path.name: path.read_text() for path in [template, monitoring, *others]}
    return {**files, "the outcome for production": json.dumps(Deployment("production", sources).outcome)}


def findings(name, text):
    """What the linter finds. What is accepted stands in the template, at the resource and with its reason (`ignore_checks`)."""
    for match in lint(text, regions=[REGION]):
        where = "/".join(str(part) for part in getattr(match, "path", None) or [])
        yield f"{name}, {where or match.linenumber}: {match.rule.id} {match.message}"


def blind():
    """Whether the linter finds nothing in a template with a fault."""
    return not list(findings("", '{"Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"DelaySeconds": "long"}}}}'))
