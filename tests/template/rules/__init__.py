"""What must hold for each deployment. A rule is a function that yields one sentence for each fault that it finds."""

RULES = {}


def rule(name):
    """Adds the function to what is checked, under a name that says what is so when it holds."""

    def add(function):
        RULES[name] = function
        return function

    return add


def plural(value):
    """A value of CloudFormation that may be a list or the only element of one."""
    return value if isinstance(value, list) else [] if value is None else [value]


def one_each(there, taken, verb):
    """What is wrong with these pairs of a name and what it takes, if each is to take one that is there, and no two the same."""
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
