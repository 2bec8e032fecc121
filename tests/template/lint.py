"""AWS' schemas and cfn-lint's rules, for the templates and for the outcome of their transform."""

import json

from cfnlint import lint

from transform import ROOT, Deployment

REGION = "eu-central-1"


def texts(sources, template, monitoring):
    """The texts to lint, by name. The linter checks both results of each condition, so one outcome is enough."""
    others = sorted(path for path in (ROOT / "infra").glob("*.yaml") if path.name != "monitoring.yaml")
    files = {path.name: path.read_text() for path in [template, monitoring, *others]}
    return {**files, "the outcome for production": json.dumps(Deployment("production", sources).outcome)}


def findings(name, text):
    """The linter's findings. Accepted findings are in the template, at the resource and with a reason (`ignore_checks`)."""
    for match in lint(text, regions=[REGION]):
        where = "/".join(str(part) for part in getattr(match, "path", None) or [])
        yield f"{name}, {where or match.linenumber}: {match.rule.id} {match.message}"


def blind():
    """Whether the linter misses a fault in a template."""
    return not list(findings("", '{"Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"DelaySeconds": "long"}}}}'))
