"""Every name that the outcome speaks of is there in that deployment."""

from rules import plural, rule


@rule("references resolve, whatever the conditions say")
def references(deployment):
    for stack in deployment.stacks:
        for where, name in sorted(set(stack.dangling)):
            yield f"{where} refers to {name}, which this deployment does not have"


@rule("the nested stack gets its parameters")
def nested(deployment):
    for name in deployment.nested.missing:
        yield f"Monitoring does not get {name}"
    for name in deployment.nested.unknown:
        yield f"Monitoring does not know {name}"


@rule("permissions are for resources of the stack")
def permissions(deployment):
    functions = {f"<{name}>" for name, _ in deployment.stack.of_type("AWS::Lambda::Function", "AWS::Lambda::Alias")}
    functions |= {f"<{name}.Arn>" for name, _ in deployment.stack.of_type("AWS::Lambda::Function")}
    for name, permission in deployment.stack.of_type("AWS::Lambda::Permission"):
        for function in plural(permission["FunctionName"]):
            if function not in functions:
                yield f"{name} is for {function}"
