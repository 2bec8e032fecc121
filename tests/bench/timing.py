"""Does the time of an answer tell whether an address has an account? Interleaved calls for a known and an unknown address, by the
classes login and forgot-password: `python3 tests/bench/timing.py [SAMPLES]`, 2,000 of each by default. Exits with 1 when medians
differ by more than 0.5 ms and by more than 3 %."""

import random
import statistics
import sys
import time

from service import OUT_OF_REACH, Client, Service

SAMPLES = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000
# The back-off after wrong passwords is far away, too: it is a limit of the known address' own.
CALLS = {
    "login": lambda client, email: client.log_in(email, "Wr0ng!password"),
    "forgot-password": lambda client, email: client.call("POST", "/auth/forgot-password", {"email": email}),
}

worst = 0
with Service(18200, OUT_OF_REACH) as service:
    client = Client(service.port)
    known = [client.member(f"known{n}@example.com") for n in range(20)]
    unknown = [f"never{n}@example.com" for n in range(20)]
    print(f"{'call':16} {'known ms':>9} {'unknown ms':>10} {'difference':>16}   ({SAMPLES} interleaved samples of each)")
    for name, call in CALLS.items():
        times = {"known": [], "unknown": []}
        for turn in range(SAMPLES):
            pair = [("known", random.choice(known)), ("unknown", random.choice(unknown))]
            random.shuffle(pair)
            for kind, email in pair:
                begun = time.perf_counter()
                call(client, email)
                times[kind].append((time.perf_counter() - begun) * 1000)
            if name == "forgot-password":
                time.sleep(0.004)  # The letters are sent beside it; let that end.
        medians = {kind: statistics.median(values) for kind, values in times.items()}
        apart = abs(medians["known"] - medians["unknown"])
        percent = 100 * apart / medians["unknown"]
        worst = max(worst, min(apart / 0.5, percent / 3))
        print(f"{name:16} {medians['known']:9.3f} {medians['unknown']:10.3f} {apart:7.3f} ms {percent:4.1f} %")
sys.exit(worst > 1)
