"""Two stacks can exist in one account and region."""

import json
from functools import cache
from pathlib import Path

import cfnlint

from evaluate import symbols
from rules import rule

SCHEMAS = Path(cfnlint.__file__).parent / "data" / "schemas"
# A name in the public DNS belongs to one stack; it comes from a parameter.
PUBLIC = {"AWS::ApiGatewayV2::DomainName", "AWS::Route53::RecordSet", "AWS::SES::EmailIdentity"}


@cache
def schema(kind):
    """AWS' schema of a resource type, or nothing for a type that the linter does not know."""
    index = json.loads((SCHEMAS / "providers" / "us-east-1.json").read_text())
    return json.loads((SCHEMAS / "resources" / f"{index[kind]}.json").read_text()) if kind in index else {}


@cache
def identity(kind):
    """The paths of the properties that name a resource of this type: its identifier, and names that cannot change."""
    known = schema(kind)
    fixed = {path for path in known.get("createOnlyProperties") or [] if path.endswith("Name")}
    made = set(known.get("readOnlyProperties") or [])
    return sorted((set(known.get("primaryIdentifier") or []) | fixed) - made)


def at(properties, path):
    for key in path.removeprefix("/properties/").split("/"):
        properties = properties.get(key) if isinstance(properties, dict) else None
    return properties


@rule("no resource has a fixed physical name")
def physical_names(deployment):
    for stack in deployment.stacks:
        for logical, entry in stack.resources.items():
            kind = entry["Type"]
            parts = {path: at(entry["Properties"], path) for path in identity(kind)}
            given = {path.rsplit("/", 1)[-1]: value for path, value in parts.items() if value is not None}
            own = any(symbols(value) or deployment.stack_name in str(value) for value in given.values())
            if given and not own and kind not in PUBLIC:
                yield f"{logical} ({kind}) is named {', '.join(f'{k} {v}' for k, v in given.items())} in every stack"


@rule("a resource's type is known to AWS")
def types(deployment):
    for stack in deployment.stacks:
        for logical, entry in stack.resources.items():
            if not schema(entry["Type"]):
                yield f"{logical}: {entry['Type']}"
