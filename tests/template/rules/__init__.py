"""The rules for each deployment. A rule is a function that yields one sentence for each fault that it finds."""

RULES = {}


def rule(name):
    """Adds the function to the rules, with a name that states what holds if it finds nothing."""

    def add(function):
        RULES[name] = function
        return function

    return add


def plural(value):
    """A CloudFormation value, which may be a list or its only element, as a list."""
    return value if isinstance(value, list) else [] if value is None else [value]


def one_each(there, taken, verb):
    """The faults in these pairs of a name and what it takes: each has to take an existing one, and no two the same."""
    takers = {}
    for name, one in taken:
        if one not in there:
            yield f"{name} {verb} {one}"
        elif one in takers:
            yield f"{name} {verb} {one}, as {takers[one]} does"
        takers[one] = name


def load():
    from rules import delivery, exposure, functions, gateway, monitoring, names, parameters, references, releases, roles  # noqa: F401

    return RULES
