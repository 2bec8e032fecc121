"""Functions: their logs, their environment, their architecture."""

import re

from evaluate import strings
from rules import one_each, rule
from rules.parameters import RETENTION
from transform import HIDDEN

SECRET = re.compile(r"(^|_)(PASSWORD|PASSPHRASE|SECRET|TOKEN|KEY|CREDENTIALS?)$")
RESOLVED = re.compile(r"\{\{resolve:(secretsmanager|ssm-secure):")


def functions(deployment):
    return deployment.stack.of_type("AWS::Lambda::Function")


@rule("every log group has a retention")
def retention(deployment):
    for stack in deployment.stacks:
        for name, group in stack.of_type("AWS::Logs::LogGroup"):
            if str(group.get("RetentionInDays")) not in {str(days) for days in RETENTION}:
                yield f"{name} keeps its lines for {group.get('RetentionInDays', 'ever')}"


@rule("every function has a log group of its own in the stack")
def log_groups(deployment):
    groups = {f"<{name}>" for name, _ in deployment.stack.of_type("AWS::Logs::LogGroup")}
    written = ((name, function.get("LoggingConfig", {}).get("LogGroup")) for name, function in functions(deployment))
    yield from one_each(groups, written, "writes to")


@rule("no environment holds a secret")
def environment(deployment):
    for name, function in functions(deployment):
        for variable, value in function.get("Environment", {}).get("Variables", {}).items():
            if SECRET.search(variable) and str(value):
                yield f"{name}: {variable} is {value}"
            if RESOLVED.search(str(value)):
                yield f"{name}: {variable} would have a secret's value put in: {value}"


@rule("a value that is not shown is nowhere but in a secret")
def hidden(deployment):
    for stack in deployment.stacks:
        for name, entry in stack.resources.items():
            for path, text in strings(entry["Properties"]):
                secret = entry["Type"] == "AWS::SecretsManager::Secret" and path == "SecretString"
                if HIDDEN in text and not secret:
                    yield f"{name} has it in {path}"
        for name, value in stack.outputs.items():
            if HIDDEN in str(value):
                yield f"the output {name} has it"


@rule("functions are built for the architecture that was asked for")
def architecture(deployment):
    asked = deployment.stack.parameters.get("Architecture")
    for name, function in functions(deployment):
        if function.get("Architectures") != [asked]:
            yield f"{name}: {function.get('Architectures')} and not {asked}"


@rule("functions know their stack's name")
def stack_name(deployment):
    for name, function in functions(deployment):
        variables = function.get("Environment", {}).get("Variables", {}).values()
        if not any(deployment.stack_name in str(value) for value in variables):
            yield f"{name}: its metrics merge with another stack's"


@rule("a reserved concurrency is asked for, never there by default")
def concurrency(deployment):
    if not any("Concurrency" in name for name in deployment.given):
        for name, function in functions(deployment):
            if "ReservedConcurrentExecutions" in function:
                yield f"{name}: an account with a quota of 10 refuses {function['ReservedConcurrentExecutions']}"
