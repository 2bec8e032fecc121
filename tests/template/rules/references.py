"""Every name that the outcome refers to exists in the deployment."""

from rules import plural, rule


@rule("references resolve, whatever the conditions say")
def references(deployment):
    for stack in deployment.stacks:
        for where, name in sorted(stack.references):
            if name not in stack.present:
                yield f"{where} refers to {name}, which this deployment does not have"


@rule("no resource waits for itself")
def circles(deployment):
    for stack in deployment.stacks:
        waits = {}
        for where, name in stack.references:
            waits.setdefault(where, set()).add(name)
        done = set()
        for start in sorted(waits):
            if circle := circle_from(start, waits, done, []):
                yield " -> ".join(circle)
                break


def circle_from(name, waits, done, way):
    """A circular reference on a path that starts at this resource, if there is one."""
    if name in way:
        return [*way[way.index(name) :], name]
    if name in done:
        return None
    for other in sorted(waits.get(name, ())):
        if circle := circle_from(other, waits, done, [*way, name]):
            return circle
    done.add(name)
    return None


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
