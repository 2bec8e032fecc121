"""Two rotations of the signing keys under load, then an emergency: `python3 tests/bench/rotation.py [ALGORITHM]`. Two processes on one
database answer logins, refreshes and `/users/me` at 50 requests/s for 30 s. Exits with 1 when any token was refused, or when the
emergency did not take effect in both within 5 s."""

import queue
import random
import sys
import threading
import time

from service import OUT_OF_REACH, Client, Service

ALGORITHM = sys.argv[1] if len(sys.argv) > 1 else "ES256"
SECONDS, RATE, WORKERS = 30, 50, 8
SETTINGS = {**OUT_OF_REACH, "JWT_ALGORITHM": ALGORITHM, "JWKS_CACHE_SECONDS": "1"}

counts, refused, kids = {}, [], set()
lock = threading.Lock()


def kid(token):
    import base64
    import json

    head = token.split(".")[0]
    return json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))["kid"]


def work(tasks, ports, email):
    clients = [Client(port) for port in ports]
    pair = clients[0].log_in(email)[2]
    while (what := tasks.get()) is not None:
        client = random.choice(clients)
        if what == "login":
            status, _, body = client.log_in(email)
            pair = body if status == 200 else pair
        elif what == "refresh":
            status, _, body = client.call("POST", "/auth/refresh", {"refresh_token": pair["refresh_token"]})
            pair = body if status == 200 else pair
        else:
            status, _, body = client.call("GET", "/users/me", token=pair["access_token"])
        with lock:
            counts[what] = counts.get(what, 0) + 1
            kids.add(kid(pair["access_token"]))
            if status != 200:
                after, key = round(time.monotonic() - begun, 2), kid(pair["access_token"])[:6]
                refused.append((after, what, client.connection.port, key, status, body and body.get("type")))


with Service(18300, SETTINGS) as first, Service(18310, SETTINGS, join=first.url) as second:
    ports = [first.port, second.port]
    tasks = queue.Queue()
    emails = [Client(first.port).member(f"user{n}@example.com") for n in range(WORKERS)]
    workers = [threading.Thread(target=work, args=(tasks, ports, email)) for email in emails]
    for worker in workers:
        worker.start()
    begun = time.monotonic()
    rotations = [3.0, 16.0]
    for n in range(SECONDS * RATE):
        time.sleep(max(0, begun + n / RATE - time.monotonic()))
        if rotations and time.monotonic() - begun > rotations[0]:
            rotations.pop(0)
            threading.Thread(target=first.userctl, args=(SETTINGS, "keys", "rotate")).start()
        tasks.put(random.choices(["login", "refresh", "me"], [1, 2, 7])[0])
    for _ in workers:
        tasks.put(None)
    for worker in workers:
        worker.join()
    took = time.monotonic() - begun
    print(f"{ALGORITHM}: {sum(counts.values())} requests in {took:.1f} s {counts}, signed by {len(kids)} keys, refused {len(refused)}")
    for line in refused[:5]:
        print("  ", line)

    clients = [Client(port) for port in ports]
    old = clients[0].log_in(emails[0])[2]["access_token"]
    assert all(client.call("GET", "/users/me", token=old)[0] == 200 for client in clients)
    first.userctl(SETTINGS, "keys", "rotate", "--emergency")
    dropped, felt = time.monotonic(), {}
    while len(felt) < 2 and time.monotonic() - dropped < 10:
        for client in clients:
            if client not in felt and client.call("GET", "/users/me", token=old)[0] == 401:
                felt[client] = time.monotonic() - dropped
        time.sleep(0.05)
    new = clients[0].log_in(emails[0])[2]["access_token"]
    works = [client.call("GET", "/users/me", token=new)[0] for client in clients]
    felt = [round(felt.get(client, 99), 2) for client in clients]
    print(f"emergency: old tokens refused after {felt} s; a new login gets {works}")
sys.exit(bool(refused) or max(felt) > 5 or works != [200, 200] or len(kids) != 3)
