"""Does what AWS makes of template.yaml keep to the rules? `python3 tests/template/check.py [--template PATH] [--monitoring PATH]
[--openapi PATH] [--config PATH]`, in a Python that has requirements.txt. The template is transformed by AWS' own translator for five
deployments and evaluated; one line is printed for each rule, and for each fault that it finds. Exits with 1 if there is one."""

import argparse
import collections
import logging
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import rules  # noqa: E402
from transform import DEPLOYMENTS, ROOT, Deployment, Sources  # noqa: E402


logging.getLogger("samtranslator").setLevel(logging.CRITICAL)  # It speaks of metrics of its own, and of flags.


def broken(check, deployments):
    """The faults that a rule finds, with the deployments that have each."""
    found = collections.defaultdict(dict)
    for deployment in deployments:
        for fault in check(deployment):
            found[fault][deployment.name] = True
    return found


def report(name, found):
    print(f"{'FAIL' if found else 'ok  '} {name}")
    for fault, where in found.items():
        places = "" if len(where) == len(DEPLOYMENTS) else f" ({', '.join(where)})"
        print(f"       {fault}{places}")
    return bool(found)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--template", default=ROOT / "template.yaml")
    arguments.add_argument("--monitoring", default=ROOT / "infra" / "monitoring.yaml")
    arguments.add_argument("--openapi", default=ROOT / "functions" / "docs" / "openapi.json")
    arguments.add_argument("--config", default=ROOT / "samconfig.toml")
    given = arguments.parse_args()
    sources = Sources.read(given.template, given.monitoring, given.openapi, given.config)
    deployments = [Deployment(name, sources) for name in DEPLOYMENTS]
    failed = sum(report(name, broken(check, deployments)) for name, check in rules.load().items())
    print(f"{len(rules.load()) - failed} passed, {failed} failed")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
