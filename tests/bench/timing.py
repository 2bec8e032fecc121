"""Does the time of an answer reveal whether an address has an account? `python3 tests/bench/timing.py [SAMPLES]`, 2,000 of each kind by
default: interleaved calls of login and forgot-password in the private mode, for addresses with a verified account, with an unverified
account and without an account. The unverified account gets the right password, which a person who signed up in another's name knows.
Exits with 1 when medians differ by more than 0.5 ms and by more than 3 %."""

import random
import statistics
import sys
import time

from service import OUT_OF_REACH, PASSWORD, Client, Service

SAMPLES = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000
# OUT_OF_REACH also prevents the back-off after wrong passwords, which would apply to the known address.
CALLS = {
    "login": lambda client, email: client.log_in(email, PASSWORD if email.startswith("waiting") else "Wr0ng!password"),
    "forgot-password": lambda client, email: client.call("POST", "/auth/forgot-password", {"email": email}),
}

worst = 0
with Service(18200, {**OUT_OF_REACH, "SIGNUP_ENUMERATION": "private"}) as service:
    client = Client(service.port)
    addresses = {
        "known": [client.member(f"known{n}@example.com") for n in range(20)],
        "waiting": [f"waiting{n}@example.com" for n in range(20)],
        "unknown": [f"never{n}@example.com" for n in range(20)],
    }
    for email in addresses["waiting"]:
        client.call("POST", "/auth/signup", {"email": email, "password": PASSWORD})
    heads = "".join(f"{kind + ' ms':>12}" for kind in addresses)
    print(f"{'call':16}{heads} {'difference':>16}   ({SAMPLES} interleaved samples of each)")
    for name, call in CALLS.items():
        times = {kind: [] for kind in addresses}
        for _ in range(SAMPLES):
            row = [(kind, random.choice(some)) for kind, some in addresses.items()]
            random.shuffle(row)
            for kind, email in row:
                begun = time.perf_counter()
                call(client, email)
                times[kind].append((time.perf_counter() - begun) * 1000)
            if name == "forgot-password":
                time.sleep(0.004)  # Waits until the emails are sent.
        medians = {kind: statistics.median(values) for kind, values in times.items()}
        apart = max(medians.values()) - min(medians.values())
        percent = 100 * apart / medians["unknown"]
        worst = max(worst, min(apart / 0.5, percent / 3))
        print(f"{name:16}{''.join(f'{value:12.3f}' for value in medians.values())} {apart:7.3f} ms {percent:4.1f} %")
sys.exit(worst > 1)
