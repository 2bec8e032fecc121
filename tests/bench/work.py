"""What does a call cost a function, without the database's share? `python3 tests/bench/work.py [ROUTE]... [--check | --write]
[--json FILE]`. Builds `tests/api/work.rs` as a release and runs it under valgrind's callgrind, which counts instructions: the number is
the same on any machine, however busy it is. It counts the instructions and allocations of the gateway and the function for one call of
each route, including the AWS SDK. It does not count the embedded database and the other services of the local stack, the password's hash
(on its own thread), and the network. On Lambda the runtime's client replaces the gateway.

`--check` exits with 1 when a route exceeds its budget in `work.json`, or has none. `--write` writes new budgets: the counts and a tenth
more, for differences between runs (hashes' seeds, identifiers) and small changes. Needs valgrind."""

import argparse
import datetime
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from service import ROOT

BUDGETS = Path(__file__).with_suffix(".json")
SLACK = 1.1
# Counting is toggled when one of these functions begins or ends: a request begins, or a service of the local stack takes over.
TOGGLES = ["*Served*poll*", "*local::aws::Aws::answer", "*local::role::Role::refuse"]
ALLOCATORS = {"malloc", "calloc", "realloc", "posix_memalign", "aligned_alloc"}


def program():
    command = ["cargo", "build", "--release", "--bench", "work", "--message-format", "json-render-diagnostics"]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    made = [json.loads(line) for line in done.stdout.splitlines()]
    return next(one["executable"] for one in made if one.get("executable") and one["target"]["name"] == "work")


def counts(part):
    """The instructions and allocations in a part of callgrind's output ("Callgrind Format Specification")."""
    names, called, allocations, instructions = {}, None, 0, 0
    for line in part.read_text().splitlines():
        if line.startswith("cfn="):
            number, _, name = line[4:].partition(" ")
            if name:
                names[number] = name
            called = names[number].split("@")[0].split("'")[0]
        elif line.startswith("fn="):
            number, _, name = line[3:].partition(" ")
            names.setdefault(number, name)
        elif line.startswith("calls="):
            allocations += int(line[6:].split()[0]) if called in ALLOCATORS else 0
        elif line.startswith("totals:"):
            instructions = int(line.split()[1])
    return instructions, allocations


def measure(routes):
    with tempfile.TemporaryDirectory() as folder:
        command = ["valgrind", "--tool=callgrind", "--collect-atstart=no", f"--callgrind-out-file={folder}/part"]
        command += [f"--toggle-collect={name}" for name in TOGGLES]
        command += ["--dump-before=*counting_begins*", "--dump-before=*counting_ends*", program(), *routes]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"the program failed under valgrind:\n{done.stderr[-3000:]}")
        driven = done.stdout.splitlines()
        parts = sorted(Path(folder).glob("part.*"), key=lambda part: int(part.suffix[1:]))
        ends = [part for part in parts if re.search(r"^desc: Trigger: .*counting_ends", part.read_text(), re.MULTILINE)]
        if len(ends) != len(driven):
            sys.exit(f"{len(driven)} routes and {len(ends)} counts")
        return {route: counts(part) for route, part in zip(driven, ends, strict=True)}


def over(found, budgets, whole):
    """The exceeded budgets, as sentences."""
    for route, counted in found.items():
        if route not in budgets:
            yield f"{route} has no budget"
            continue
        for what, value, most in zip(("instructions", "allocations"), counted, budgets[route], strict=True):
            if value > most:
                yield f"{route}: {value:,} {what}, {most:,} at most"
    if whole:
        yield from (f"{route} has a budget and was not driven" for route in budgets if route not in found)


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("routes", nargs="*", metavar="ROUTE", help="such as 'GET /api/v1/users/me'; all by default")
parser.add_argument("--check", action="store_true")
parser.add_argument("--write", action="store_true")
parser.add_argument("--json", metavar="FILE")


def main():
    arguments = parser.parse_args()
    if not shutil.which("valgrind"):
        sys.exit("this needs valgrind (Debian: apt-get install valgrind)")
    found = measure(arguments.routes)
    budgets = json.loads(BUDGETS.read_text()) if BUDGETS.exists() else {}
    print(f"{'route':48} {'instructions':>12} {'budget':>12} {'allocations':>12} {'budget':>8}")
    for route, (instructions, allocations) in found.items():
        most = budgets.get(route, ("-", "-"))
        print(f"{route:48} {instructions:>12,} {most[0]:>12} {allocations:>12,} {most[1]:>8}")
    if arguments.write:
        budgets |= {route: [round(value * SLACK) for value in counted] for route, counted in found.items()}
        lines = ",\n".join(f"  {json.dumps(route)}: {json.dumps(most)}" for route, most in sorted(budgets.items()))
        BUDGETS.write_text("{\n" + lines + "\n}\n")
    if arguments.json:
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        Path(arguments.json).write_text(json.dumps({"kind": "work", "made": now, "routes": found}, indent=1) + "\n")
    broken = list(over(found, budgets, not arguments.routes)) if arguments.check else []
    for line in broken:
        print(f"over the budget: {line}")
    sys.exit(bool(broken))


if __name__ == "__main__":
    main()
