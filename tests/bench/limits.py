"""Do two processes on one database together admit no more than the limit? `python3 tests/bench/limits.py [SECONDS]`, 150 by default.
Both get requests as fast as they answer, from a random moment of a minute on; then the script finds the minute with the most admitted
requests. Exits with 1 when these exceed the limit by more than a tenth."""

import bisect
import random
import sys
import threading
import time

from service import Client, Service

SECONDS = int(sys.argv[1]) if len(sys.argv) > 1 else 150
LIMIT = 100
SETTINGS = {"RATE_LIMIT": str(LIMIT), "RATE_LIMIT_AUTH": "1000", "RATE_LIMIT_ADMIN": "1000"}

admitted, asked = [], [0, 0]


def ask(which, port, token, until):
    client = Client(port)
    while time.time() < until:
        begun = time.time()
        status = client.call("GET", "/users/me", token=token)[0]
        asked[which] += 1
        if status == 200:
            admitted.append(begun)
        time.sleep(0.005)


with Service(18400, SETTINGS) as first, Service(18410, SETTINGS, join=first.url) as second:
    client = Client(first.port)
    token = client.log_in(client.member("ann@example.com"))[2]["access_token"]
    time.sleep(random.uniform(0, 60))
    phase, until = time.time() % 60, time.time() + SECONDS
    threads = [
        threading.Thread(target=ask, args=(which, service.port, token, until))
        for which, service in enumerate([first, second])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

admitted.sort()
fullest = max(bisect.bisect_left(admitted, at + 60) - n for n, at in enumerate(admitted))
print(f"limit {LIMIT}, begun {phase:.0f} s into a minute: asked {asked}, admitted {len(admitted)}; the fullest minute holds {fullest}")
sys.exit(fullest > LIMIT * 1.1)
