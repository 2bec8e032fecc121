"""Does template.yaml, as AWS transforms it, follow the rules? `python3 tests/template/check.py [--quick] [--template PATH]
[--monitoring PATH] [--openapi PATH] [--config PATH]`, in a Python that has requirements.txt. AWS' own translator transforms the template
for six deployments, which are evaluated; then two stacks of each are created in one account of moto's, cfn-lint reads the templates and the
outcome, and each rule is tested with faults of its kind. Prints one line for each check, and one for each fault that it finds; `--quick`
stops after the rules. Exits with 1 if there is a fault."""

import argparse
import collections
import logging
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import faults
import rules
from transform import DEPLOYMENTS, ROOT, Deployment, Sources

logging.getLogger("samtranslator").setLevel(logging.CRITICAL)  # It logs its own metrics and flags.


class Report:
    """Prints each check when it ends, and counts faults."""

    def __init__(self):
        self.passed = self.failed = 0

    def __call__(self, name, found):
        print(f"{'FAIL' if found else 'ok  '} {name}", *(f"       {fault}" for fault in found), sep="\n", flush=True)
        self.failed += bool(found)
        self.passed += not found


def broken(check, deployments):
    """The faults that a rule finds, each with the deployments that have it."""
    found = collections.defaultdict(dict)
    for deployment in deployments:
        for fault in check(deployment):
            found[fault][deployment.name] = True
    places = {fault: "" if len(where) == len(deployments) else f" ({', '.join(where)})" for fault, where in found.items()}
    return [f"{fault}{where}" for fault, where in places.items()]


def live(name, sources):
    import stacks  # Moto takes seconds to load.

    return list(stacks.side_by_side(name, sources))


def nominal(sources):
    """The resource types whose names alone are emulated."""
    import emulated
    import stacks

    return emulated.support(set().union(*(stacks.types(Deployment(name, sources)) for name in DEPLOYMENTS)))


def linted(name, text):
    import lint

    return list(lint.findings(name, text))


def untouched(sources):
    """The faults that their rule does not find, and the rules without a fault for a test."""
    import lint
    import stacks

    bases, known = {name: Deployment(name, sources) for name in DEPLOYMENTS}, rules.load()
    for fault in faults.load():
        if any(known[fault.rule](bases[fault.deployment])):
            continue  # The rule can fail, as it does now.
        try:
            seen = faults.found(fault, bases[fault.deployment], known[fault.rule])
        except Exception as error:  # A fault that cannot be put into the template proves nothing.
            yield f"{fault.put.__name__}: {error!r}"
        else:
            if not seen:
                yield f"{fault.put.__name__}: {fault.rule!r} does not see it"
    for name in sorted(set(known) - {fault.rule for fault in faults.FAULTS}):
        yield f"there is no fault for {name!r}"
    named = next(fault for fault in faults.FAULTS if fault.put.__name__ == "schedule_with_its_logical_name")
    twice = sources.copy()
    named.put(twice)
    if not list(stacks.side_by_side("dev", twice)):
        yield "two stacks have one schedule, and both live"
    if lint.blind():
        yield "cfn-lint finds nothing in a template with a fault"


def unseen(sources):
    return list(untouched(sources))


def files(arguments):
    """Adds the arguments for the sources' files."""
    arguments.add_argument("--template", type=Path, default=ROOT / "template.yaml")
    arguments.add_argument("--monitoring", type=Path, default=ROOT / "infra" / "monitoring.yaml")
    arguments.add_argument("--openapi", type=Path, default=ROOT / "functions" / "docs" / "openapi.json")
    arguments.add_argument("--config", type=Path, default=ROOT / "samconfig.toml")


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--quick", action="store_true")
    files(arguments)
    given = arguments.parse_args()
    sources = Sources.read(given.template, given.monitoring, given.openapi, given.config)
    report, deployments = Report(), [Deployment(name, sources) for name in DEPLOYMENTS]
    for name, check in rules.load().items():
        report(name, broken(check, deployments))
    if not given.quick:
        import lint

        with ProcessPoolExecutor() as pool:
            later = {"each rule finds the faults of its kind": pool.submit(unseen, sources)}
            for name, text in lint.texts(sources, given.template, given.monitoring).items():
                later[f"cfn-lint: {name}"] = pool.submit(linted, name, text)
            for name in DEPLOYMENTS:
                later[f"two stacks of {name} side by side, changed and deleted"] = pool.submit(live, name, sources)
            names = pool.submit(nominal, sources)
            for name, result in later.items():
                report(name, [repr(result.exception())] if result.exception() else result.result())
            print("moto has only the names of:", ", ".join(names.result()))
    print(f"{report.passed} passed, {report.failed} failed")
    return int(report.failed > 0)


if __name__ == "__main__":
    sys.exit(main())
