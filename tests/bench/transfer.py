"""Import and export of users: `python3 tests/bench/transfer.py [USERS]`, 100,000 by default, with the release builds of `local` and
`userctl`. Imports made-up users, exports, wipes, imports the export, exports again; compares the bytes; kills an import midway and starts
it again. Prints rates and the memory (VmHWM) of `userctl`. Exits with 1 when bytes differ, the rate is below 2,000 a second or the memory
is 100 MB or more."""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from service import Service, binary

USERS = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
BCRYPT = "$2b$04$S..3fgVvzqpvloFYCE0xRu/GWtpyJbTQ6r990EtXPUbY.jA3eSQuC"
wrong = []


def make(file):
    with open(file, "w") as out:
        for n in range(USERS):
            made = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1_600_000_000 + n // 7))
            user = {
                "id": f"old-{n * 7919 % 10_000_019}",
                "email": f"user{n}@example.com",
                "password_hash": BCRYPT,
                "first_name": f"Ann {n}",
            }
            user |= {"role": "admin" if n % 1_000 == 0 else "user", "is_verified": n % 9 > 0, "is_active": n % 11 > 0}
            user |= {"created_at": made, "updated_at": made, "language": "de" if n % 2 else "en"}
            out.write(json.dumps(user) + "\n")


def memory(process):
    """The peak memory of a process so far, in MB; 0 when it has ended."""
    try:
        lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
        return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0)
    except OSError:
        return 0


def userctl(service, *arguments, kill_after=None, rated=False):
    command = [binary("userctl"), "--endpoint", f"{service.url}/_local/aws", "--json", *map(str, arguments)]
    begun, peak, killed = time.monotonic(), 0, False
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while process.poll() is None:
        peak = max(peak, memory(process))
        if kill_after and time.monotonic() - begun > kill_after:
            process.kill()
            killed = True
        time.sleep(0.02)
    took, (out, err) = time.monotonic() - begun, process.communicate()
    rate = USERS / took
    if kill_after and not killed:
        wrong.append(f"{arguments[0]} ended before it was killed")
    print(f"{arguments[0]:<8} {took:7.1f} s  {rate:8.0f} users/s  {peak:6.1f} MB  {'killed' if killed else out.strip() or err.strip()}")
    if peak >= 100:
        wrong.append(f"{arguments[0]} took {peak:.0f} MB")
    if not killed and process.returncode != 0:
        wrong.append(f"{arguments[0]}: {err.strip() or out.strip()}")
    if rated and rate < 2_000:
        wrong.append(f"{arguments[0]}: {rate:.0f} users a second")
    return took


def wiped(act, port):
    """Does something with a service that has empty tables."""
    service = Service(port, {**os.environ, "LOG_LEVEL": "error"})
    try:
        return act(service)
    finally:
        service.process.kill()
        service.process.wait()


with tempfile.TemporaryDirectory() as folder:
    made, first, second, third = (Path(folder) / name for name in ("made.jsonl", "first.jsonl", "second.jsonl", "third.jsonl"))
    make(made)

    def one(service):
        userctl(service, "import", made, rated=True)
        userctl(service, "export", first)

    def two(service):
        took = userctl(service, "import", first, rated=True)
        userctl(service, "export", second)
        userctl(service, "import", first)
        return took

    def three(service):
        userctl(service, "import", first, kill_after=took / 2)
        userctl(service, "import", first)
        userctl(service, "export", third)
        userctl(service, "check")

    wiped(one, 8310)
    took = wiped(two, 8320)
    wiped(three, 8330)
    with open(first) as exported:
        lines = sum(1 for _ in exported)
    if lines != USERS:
        wrong.append(f"{lines} of {USERS} users were exported")
    others = [other for other in (second, third) if other.read_bytes() != first.read_bytes()]
    wrong += [f"{other.name} differs from {first.name}" for other in others]
print("\n".join(wrong) or "identical bytes; rates and memory hold")
sys.exit(bool(wrong))
