"""Checkov on the outcome for production: `python3 tests/template/findings.py PROGRAM [--template PATH] [--monitoring PATH] [--openapi PATH]
[--config PATH]`, in a Python that has requirements.txt; PROGRAM is the checkov of requirements-checkov.txt. A finding that
accepted.toml does not accept fails, and so does an entry there without a finding."""

import argparse
import fnmatch
import json
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from check import Report, files
from transform import Deployment, Sources

HERE = Path(__file__).parent


def failed(program, deployment):
    """The failed checks of the stacks that would be deployed, each with its resource."""
    with tempfile.TemporaryDirectory() as folder:
        for name, stack in (("stack", deployment.stack), ("monitoring", deployment.nested)):
            text = json.dumps({"AWSTemplateFormatVersion": "2010-09-09", "Resources": stack.resources})
            (Path(folder) / f"{name}.json").write_text(text)
        command = [program, "--framework", "cloudformation", "--directory", folder, "--output", "json", "--compact", "--skip-download"]
        said = subprocess.run(command, stdout=subprocess.PIPE, check=False).stdout
    results = json.loads(said)["results"]
    return {(each["check_id"], each["resource"], each["check_name"]) for each in results["failed_checks"]}, len(results["passed_checks"])


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("program")
    files(arguments)
    given = arguments.parse_args()
    sources = Sources.read(given.template, given.monitoring, given.openapi, given.config)
    found, passed = failed(given.program, Deployment("production", sources))
    accepted = tomllib.loads((HERE / "accepted.toml").read_text())["finding"]
    used, report = set(), Report()
    open_ones = []
    for check, resource, name in sorted(found):
        fits = [n for n, a in enumerate(accepted) if a["check"] == check and fnmatch.fnmatchcase(resource, a["resources"])]
        used.update(fits)
        if not fits:
            open_ones.append(f"{check} {resource}: {name}")
    report("checkov finds nothing but what is accepted", open_ones)
    report("what is accepted is still found", [f"{a['check']} {a['resources']}" for n, a in enumerate(accepted) if n not in used])
    report("every acceptance has a reason", [a["check"] for a in accepted if not a.get("reason")])
    report("checkov checked something", [] if passed > 100 else [f"{passed} checks"])
    print(f"{len(found)} findings accepted in {len(accepted)} entries, {passed} checks hold")
    return int(report.failed > 0)


if __name__ == "__main__":
    sys.exit(main())
