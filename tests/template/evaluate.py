"""The part of CloudFormation's language that decides what a stack contains: parameters, conditions, rules and intrinsic functions.

A value that only AWS knows stays a symbol: `!Ref UsersTable` is `<UsersTable>` and `!GetAtt UsersTable.Arn` is `<UsersTable.Arn>`, also
inside `Sub` and `Join`. So values that differ between stacks can be distinguished from values that do not."""

import json
import re

PSEUDO = {
    "AWS::AccountId": "111122223333",
    "AWS::NotificationARNs": [],
    "AWS::Partition": "aws",
    "AWS::Region": "eu-central-1",
    "AWS::StackId": "arn:aws:cloudformation:eu-central-1:111122223333:stack/<AWS::StackName>/<StackId>",
    "AWS::URLSuffix": "amazonaws.com",
}
NO_VALUE = object()
SYMBOL = re.compile(r"<([A-Za-z0-9]+)(?:\.[A-Za-z0-9.]+)?>")


def listed(kind, value):
    """A parameter's value as `Ref` returns it."""
    if kind.startswith("List<") or kind == "CommaDelimitedList":
        return value if isinstance(value, list) else [part.strip() for part in str(value).split(",")]
    return str(value)


class Evaluator:
    """One stack: a template without SAM's types, the parameters it is deployed with, and its name."""

    def __init__(self, template, parameters, stack):
        self.template, self.stack = template, stack
        declared = template.get("Parameters", {})
        given = {name: parameters.get(name, entry.get("Default")) for name, entry in declared.items()}
        self.missing = sorted(name for name, value in given.items() if value is None)
        self.unknown = sorted(set(parameters) - set(declared))
        self.parameters = {n: listed(declared[n]["Type"], v) for n, v in given.items() if v is not None}
        self.where, self.references, self.used = "", set(), set()
        everything = template.get("Resources", {})
        self.present = {name for name, entry in everything.items() if self.holds(entry.get("Condition"))}
        self.resources = {name: self.resource(name, everything[name]) for name in everything if name in self.present}
        self.outputs = {}
        for name, output in template.get("Outputs", {}).items():
            if self.holds(output.get("Condition")):
                self.where = f"output {name}"
                self.outputs[name] = self.value(output["Value"])

    def resource(self, name, entry):
        self.where = name
        waits = entry.get("DependsOn", [])
        for other in [waits] if isinstance(waits, str) else waits:
            self.references.add((name, other))
        passed = {key: self.value(entry[key]) for key in ("Properties", "UpdatePolicy") if key in entry}
        kept = {key: value for key, value in entry.items() if key not in passed}
        return {"Properties": {}, **kept, **{k: v for k, v in passed.items() if v is not NO_VALUE}}

    def of_type(self, *kinds):
        """The resources of these types, as pairs of a logical name and properties."""
        return [(name, entry["Properties"]) for name, entry in self.resources.items() if entry["Type"] in kinds]

    def holds(self, name):
        if name is None:
            return True
        if name not in self.template.get("Conditions", {}):
            raise KeyError(f"condition {name} is not declared")
        self.used.add(name)
        return self.value(self.template["Conditions"][name])

    def ref(self, name):
        if name == "AWS::NoValue":
            return NO_VALUE
        if name == "AWS::StackName":
            return self.stack
        if name in PSEUDO:
            value = PSEUDO[name]
            return value.replace("<AWS::StackName>", self.stack) if isinstance(value, str) else value
        if name in self.template.get("Parameters", {}):
            self.used.add(name)
            return self.parameters.get(name, "")
        self.references.add((self.where, name))
        return f"<{name}>"

    def attribute(self, argument):
        name, attribute = argument.split(".", 1) if isinstance(argument, str) else argument
        self.references.add((self.where, name))
        return f"<{name}.{attribute}>"

    def substitute(self, argument):
        text, own = (argument, {}) if isinstance(argument, str) else argument
        own = {key: self.value(value) for key, value in own.items()}

        def part(match):
            name = match[1].strip()
            if name.startswith("!"):
                return "${" + name[1:] + "}"
            value = own[name] if name in own else self.attribute(name) if "." in name else self.ref(name)
            return ",".join(value) if isinstance(value, list) else str(value)

        return re.sub(r"\$\{([^}]+)\}", part, text)

    def value(self, node):
        """The node with its intrinsic functions evaluated; `NO_VALUE` if it is absent."""
        if isinstance(node, list):
            return [value for value in map(self.value, node) if value is not NO_VALUE]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            name, argument = next(iter(node.items()))
            if name == "Ref":
                return self.ref(argument)
            if name == "Condition" and isinstance(argument, str):
                return self.holds(argument)
            if name.startswith("Fn::"):
                return self.call(name[4:], argument)
        pairs = ((key, self.value(value)) for key, value in node.items())
        return {key: value for key, value in pairs if value is not NO_VALUE}

    def call(self, name, argument):
        if name == "If":
            return self.value(argument[1] if self.holds(argument[0]) else argument[2])
        if name == "GetAtt":
            return self.attribute(argument)
        if name == "Sub":
            return self.substitute(argument)
        argument = self.value(argument)
        match name:
            case "Equals":
                return str(argument[0]) == str(argument[1])
            case "Not":
                return not argument[0]
            case "And":
                return all(argument)
            case "Or":
                return any(argument)
            case "Join":
                if not isinstance(argument[1], list):
                    raise ValueError(f"{self.where}: Join takes a list, not {argument[1]!r}")
                return argument[0].join(str(part) for part in argument[1])
            case "Split":
                return argument[1].split(argument[0])
            case "Select":
                return argument[1][int(argument[0])]
            case "FindInMap":
                return self.template["Mappings"][argument[0]][argument[1]][argument[2]]
            case "ToJsonString":
                return json.dumps(argument)
            case "Contains":
                return str(argument[1]) in [str(each) for each in argument[0]]
            case "EachMemberEquals":
                return all(str(each) == str(argument[1]) for each in argument[0])
            case "EachMemberIn":
                return all(each in argument[1] for each in argument[0])
        raise NotImplementedError(f"{self.where}: Fn::{name}")

    def refusals(self):
        """The messages of the template's `Rules` that refuse these parameters."""
        said = []
        for name, entry in self.template.get("Rules", {}).items():
            self.where = f"rule {name}"
            if self.value(entry.get("RuleCondition", True)):
                broken = [claim for claim in entry["Assertions"] if not self.value(claim["Assert"])]
                said += [f"{name}: {claim.get('AssertDescription', '')}" for claim in broken]
        return said


def symbols(value):
    """The logical names that a value refers to."""
    if isinstance(value, str):
        return set(SYMBOL.findall(value))
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return set().union(*map(symbols, children))


def strings(value, path=""):
    """Each string inside a value, with its path."""
    if isinstance(value, str):
        yield path, value
    for key, child in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from strings(child, f"{path}.{key}" if path else str(key))
