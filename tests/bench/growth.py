"""Does an answer cost the same for any number of users? `python3 tests/bench/growth.py [USERS] [--minutes M] [--expired N]
[--json FILE]`, 100,000 users by default, up to 10,000,000; the import stops after M minutes (30). `userctl import` imports the users,
with hashes so cheap that the rest of the cost is visible. At 1,000 users and each multiple by ten the service is restarted and measured
over one connection: database calls and units from its log, bytes of the answer, and time, also as a ratio to that of a service with 1,000
users, with which calls alternate. Then N users (a tenth, 50,000 at most) do not verify their address, and the function `cleanup` removes
them, under a Runtime API and with deadlines that are too short for all of them: each run has to end by itself before its deadline, and the
next one has to continue.

Needs `cargo build --release -p local -p userctl -p cleanup`, and disk: about 3 kB for each user. Exits with 1 when calls or units of
an operation differ between sizes, or when a cleanup misses its deadline or leaves a user."""

import argparse
import datetime
import json
import os
import random
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from load import Process, free_ports, settle
from runtime import Function, declared, program
from service import OUT_OF_REACH, PASSWORD, Client, binary

FIRST, SAMPLES, WARM_UP, PAGE = 1_000, 200, 20, 50
ADMIN = "admin@example.com"
FILLING = {**OUT_OF_REACH, "ARGON2_MEMORY_KIB": "64", "ARGON2_ITERATIONS": "1", "EMAIL_VERIFICATION_ENABLED": "false"}
# Cleanup reserves five seconds for its end, and removes users a minute after they expire.
DEADLINES, SLACK_SECONDS, MOST_RUNS = (8, 8, 15, 60, 300), 60, 200
IMPORTED_AT_ONCE = 250_000
HASH = []
SHOWN = {"calls": 2, "units": 2, "bytes": 0, "ms": 2, "p99_ms": 2}
OPERATIONS = {
    "list": "GET /api/v1/users",
    "login": "POST /api/v1/auth/login",
    "sign-up": "POST /api/v1/auth/signup",
    "me": "GET /api/v1/users/me",
}


class Local:
    """A run of `local` on the data in a folder, with its log."""

    def __init__(self, folder, level="warn", **settings):
        self.port, database_port = free_ports(2)
        self.log = Path(folder).with_name("log")
        self.log.write_text("")
        command = [binary("local"), "--port", str(self.port), "--dynamodb-port", str(database_port), "--data", str(folder)]
        self.environment = {**FILLING, "LOG_LEVEL": level, "LOG_FORMAT": "json", **settings}
        url = f"http://127.0.0.1:{self.port}/api/v1/health"
        self.process = Process(command, self.environment, Path(folder).parent, self.log, url, seconds=600)
        self.endpoint = f"http://127.0.0.1:{self.port}/_local/aws"

    def userctl(self, *arguments, typed=None):
        command = [binary("userctl"), "--endpoint", self.endpoint, *arguments]
        subprocess.run(command, env={**os.environ, **self.environment}, input=typed, text=True, check=True, capture_output=True)

    def peak_bytes(self):
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)[1]) * 1024

    def requests(self):
        """The request lines of the log, by method and route."""
        found = {}
        for line in self.log.read_text(errors="replace").splitlines():
            if '"http.route"' in line and line.startswith("{"):
                told = json.loads(line)
                found.setdefault(f"{told['http.method']} {told['http.route']}", []).append(told)
        return found

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.end(signal.SIGINT)


def address(number):
    """An address; consecutive users are not neighbours in the alphabet, as with real addresses."""
    return f"{number * 7_919 % 10_000_019:08}-{number:08}@example.com"


def rows(numbers, verified, made):
    """Lines of an import: users with the password's hash."""
    for number in numbers:
        about = f'"id":"{made}-{number:08}","email":"{address(number)}","password_hash":"{HASH[0]}","first_name":"Ann"'
        yield f'{{{about},"is_verified":{verified},"created_at":"2026-01-01T00:00:00Z"}}\n'


def fill(service, begin, wanted, until, verified="true", made="u"):
    """Imports users from number `begin` on, until there are `wanted` or the time is over; returns how many there are."""
    while begin < wanted and time.monotonic() < until:
        end = min(wanted, begin + IMPORTED_AT_ONCE)
        file = service.log.with_name("import.jsonl")
        with open(file, "w") as out:
            out.writelines(rows(range(begin, end), verified, made))
        started = time.monotonic()
        service.userctl("import", "--expire-unverified", str(file))
        file.unlink()
        print(f"  {end:,} users, {(end - begin) / (time.monotonic() - started):,.0f} a second", file=sys.stderr)
        begin = end
    return begin


def learn_hash(service):
    """The administrator's hash; all users have the same password."""
    file = service.log.with_name("export.jsonl")
    service.userctl("export", str(file))
    HASH.append(json.loads(file.read_text().splitlines()[0])["password_hash"])
    file.unlink()


def steps_of(service, made, turn):
    """Each operation as a call that takes its number."""
    client = Client(service.port)
    somebody = lambda: address(random.randrange(made))
    admin, me = (client.log_in(email)[2]["access_token"] for email in (ADMIN, somebody()))
    return {
        "list": lambda n: client.call("GET", f"/users?limit={PAGE}", token=admin),
        "login": lambda n: client.log_in(somebody()),
        "sign-up": lambda n: client.call("POST", "/auth/signup", {"email": f"new-{turn}-{n}@example.com", "password": PASSWORD}),
        "me": lambda n: client.call("GET", "/users/me", token=me),
    }


def measure(service, made, small, turn):
    """Measures each operation over one connection, alternating with the same at a service of the first size: milliseconds and bytes as the
    client sees them, calls and units from the log."""
    both = [steps_of(service, made, turn), steps_of(small, FIRST, turn)]
    before = {name: len(lines) for name, lines in service.requests().items()}
    taken, size = [{name: [] for name in steps} for steps in both], {}
    for n in range(WARM_UP + SAMPLES):
        for name in OPERATIONS:
            # The first one has the colder caches, so the order alternates.
            for steps, times in list(zip(both, taken, strict=True))[:: 1 if n % 2 else -1]:
                begun = time.perf_counter()
                status, headers, _ = steps[name](n)
                times[name].append((time.perf_counter() - begun) * 1000)
                if status not in (200, 201):
                    sys.exit(f"{name} is answered {status}")
                if times is taken[0]:
                    size.setdefault(name, []).append(int(headers["content-length"]))
    time.sleep(0.2)
    lines, rows = service.requests(), {}
    for name, route in OPERATIONS.items():
        own = lines[route][before.get(route, 0) + WARM_UP :]
        times, others = (sorted(times[name][WARM_UP:]) for times in taken)
        rows[name] = {
            "ms": statistics.median(times),
            "ratio": statistics.median(times) / statistics.median(others),
            "p99_ms": times[len(times) * 99 // 100],
            "calls": statistics.mean(line["dynamodb.calls"] for line in own),
            "units": statistics.mean(line["dynamodb.units"] for line in own),
            "bytes": statistics.mean(size[name][WARM_UP:]),
        }
    return rows


def expire(service, begin, wanted):
    """Imports users that expire at once, and waits until cleanup may remove them. Returns how many there are."""
    made = fill(service, begin, begin + wanted, time.monotonic() + 1_200, verified="false", made="late")
    time.sleep(SLACK_SECONDS + 2)
    return made - begin


def clean(service):
    """Runs the function until no expired user is left, with deadlines that are too short at first."""
    folder = Path(binary("local")).parent
    function = next(function for function in declared() if function.binary == "cleanup")
    path = program(folder, "cleanup") or sys.exit(f"there is no cleanup in {folder} (cargo build --release -p cleanup)")
    environment = {"AWS_ENDPOINT_URL": service.endpoint, "ENVIRONMENT": "development", "LOG_LEVEL": "error"}
    runs = []
    with Function(path, function, environment) as process:
        process.wait("next")
        while len(runs) < MOST_RUNS:
            deadline = DEADLINES[min(len(runs), len(DEADLINES) - 1)]
            begun = time.perf_counter()
            process.invoke(b"{}", deadline)
            done = process.wait("response", "error", seconds=deadline + 60)
            if done.what == "error":
                sys.exit(f"cleanup failed: {done.body.decode()}")
            process.wait("next")
            runs.append({"deadline": deadline, "seconds": done.at - begun, **json.loads(done.body)})
            runs[-1]["peak"] = process.memory("VmHWM")
            # The last run has to find nobody: what a run reports is no proof.
            if runs[-1]["complete"] and not runs[-1]["removed"] + runs[-1]["spared"] + runs[-1]["failed"]:
                break
    return runs


def sizes_to(users):
    size, found = FIRST, []
    while size < users:
        found.append(size)
        size *= 10
    return [*found, users]


def data_bytes(folder):
    return sum(file.stat().st_size for file in Path(folder).iterdir())


def show(figures):
    line = "{:>11} {:8} {:>7} {:>7} {:>9} {:>8} {:>8} {:>9}".format
    print(line("users", "call", "calls", "units", "bytes", "ms", "p99 ms", "to first"))
    for size in figures["sizes"]:
        for name, row in size["operations"].items():
            cells = [f"{row[key]:.{digits}f}" for key, digits in SHOWN.items()]
            print(line(f"{size['users']:,}", name, *cells, f"{row['ratio']:.2f}"))
    print("\n{:>11} {:>9} {:>12} {:>13} {:>12}".format("users", "start ms", "MB at most", "while filling", "MB on disk"))
    for size in figures["sizes"]:
        memory = [size[name] / 1e6 for name in ("peak", "filling_peak")]
        print(f"{size['users']:>11,} {size['start_ms']:>9.0f} {memory[0]:>12.0f} {memory[1]:>13.0f} {size['disk'] / 1e6:>12.0f}")
    if runs := figures["cleanup"]:
        print(f"\ncleanup of {figures['expired']:,} users whose time was over, beside {figures['sizes'][-1]['users']:,} others")
        print("{:>10} {:>8} {:>9} {:>9} {:>11} {:>9}".format("deadline s", "took s", "removed", "users/s", "complete", "MB"))
        for run in runs:
            rate, peak = run["removed"] / run["seconds"], run["peak"] / 1e6
            cells = f"{run['deadline']:>10} {run['seconds']:>8.1f} {run['removed']:>9,} {rate:>9,.0f}"
            print(f"{cells} {run['complete']!s:>11} {peak:>9.1f}")
        removed = sum(run["removed"] for run in runs)
        print(f"removed by their own count: {removed:,}; those under way at a run's end are removed and not counted")


def faults(figures):
    """The values that depend on the number of users but must not."""
    found = []
    for name in OPERATIONS:
        for key in ("calls", "units"):
            # Every two seconds a request reads one more item, and sometimes limits cost one more: this does not grow.
            values = [size["operations"][name][key] for size in figures["sizes"]]
            if max(values) > min(values) * 1.1 + 0.2:
                found.append(f"{name}: {key} {', '.join(f'{value:.2f}' for value in values)}")
    late = [run for run in figures["cleanup"] if run["seconds"] >= run["deadline"]]
    found += [f"a cleanup took {run['seconds']:.1f} s of {run['deadline']}" for run in late]
    if figures["cleanup"] and not figures["cleanup"][-1]["complete"]:
        found.append(f"cleanup was not done after {len(figures['cleanup'])} runs")
    return found


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("users", nargs="?", type=int, default=100_000)
parser.add_argument("--minutes", type=float, default=30)
parser.add_argument("--expired", type=int)
parser.add_argument("--folder", help="where the data lies for the time; on a disk with room")
parser.add_argument("--json", metavar="FILE")


def main():
    arguments = parser.parse_args()
    if not 1_000 <= arguments.users <= 10_000_000:
        sys.exit("from 1,000 to 10,000,000 users")
    missing = [name for name in ("local", "userctl", "cleanup") if not Path(binary(name)).exists()]
    if missing:
        sys.exit(f"not built: {', '.join(missing)} (cargo build --release -p local -p userctl -p cleanup)")
    until, made = time.monotonic() + arguments.minutes * 60, 0
    figures = {"kind": "growth", "made": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"), "sizes": []}
    with tempfile.TemporaryDirectory(dir=arguments.folder) as above:
        folder = Path(above) / "data"
        with Local(folder) as service:
            service.userctl("admin", "create", "--email", ADMIN, "--password-stdin", typed=PASSWORD + "\n")
            learn_hash(service)
        for turn, wanted in enumerate(sizes_to(arguments.users)):
            with Local(folder) as service:
                made = fill(service, made, wanted, until)
                settle([service.process.pid], 60)
                filling_peak = service.peak_bytes()
            if turn == 0:
                shutil.copytree(folder, Path(above) / "small" / "data")
            with Local(folder, level="info") as service, Local(Path(above) / "small" / "data", level="info") as small:
                operations = measure(service, made, small, turn)
                size = {"users": made, "operations": operations, "start_ms": service.process.start_ms}
                figures["sizes"].append({**size, "peak": service.peak_bytes(), "filling_peak": filling_peak, "disk": data_bytes(folder)})
            if time.monotonic() >= until:
                break
        wanted = min(made // 10, 50_000) if arguments.expired is None else arguments.expired
        figures |= {"expired": 0, "cleanup": []}
        if wanted:
            # The same process throughout: a new one would run cleanup when it starts.
            with Local(folder, EMAIL_VERIFICATION_ENABLED="true", UNVERIFIED_USER_TTL_SECONDS="1") as service:
                figures["expired"] = expire(service, made, wanted)
                figures["cleanup"] = clean(service)
                figures["cleanup_service_peak"] = service.peak_bytes()
    show(figures)
    found = faults(figures)
    for fault in found:
        print(f"wrong: {fault}")
    if arguments.json:
        Path(arguments.json).write_text(json.dumps({**figures, "faults": found}, indent=1) + "\n")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
