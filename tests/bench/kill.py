"""Does killing the process at any moment break a promise or leave a partial write? `python3 tests/bench/kill.py [ROUNDS]
[FOLDER]`, 100 rounds by default, with the programs in target/release, or target/debug if there are none. Six clients use the service,
which is killed (SIGKILL) 0.1 to 1.2 s after it first answers, on the same data each time. Then `userctl check` runs, and the successes
that the clients remember are compared with the store. Exits with 1 when anything is wrong."""

import contextlib
import http.client
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from service import OUT_OF_REACH, PASSWORD, ROOT, Client

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 100
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
BUILT = Path(sys.argv[2]) if len(sys.argv) > 2 else TARGET / ("release" if (TARGET / "release" / "local").exists() else "debug")
SETTINGS = {**OUT_OF_REACH, "ARGON2_MEMORY_KIB": "64", "ARGON2_ITERATIONS": "1", "LOG_LEVEL": "error"}
CLIENTS, SAMPLE, ADMIN = 6, 300, "admin@example.com"
# Errors that a client sees when the process ends.
GONE = (OSError, http.client.HTTPException, ValueError)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Process:
    """One run of `local` on the data in a folder."""

    def __init__(self, folder, ttl):
        self.port = free_port()
        self.environment = {**os.environ, **SETTINGS, "UNVERIFIED_USER_TTL_SECONDS": str(ttl)}
        ports = ["--port", str(self.port), "--dynamodb-port", str(free_port())]
        command = [str(BUILT / "local"), *ports, "--data", folder]
        self.process = subprocess.Popen(command, env=self.environment, stdout=subprocess.DEVNULL)
        until = time.monotonic() + 20
        while time.monotonic() < until and self.process.poll() is None:
            try:
                if Client(self.port).call("GET", "/health")[0] == 200:
                    return
            except GONE:
                pass
            time.sleep(0.01)
        self.kill()
        raise SystemExit(f"{command} does not answer")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def userctl(self, *arguments, typed=None):
        command = [str(BUILT / "userctl"), "--endpoint", f"http://127.0.0.1:{self.port}/_local/aws", "--json", *arguments]
        return subprocess.run(command, env=self.environment, input=typed, capture_output=True, text=True, timeout=120, check=False)


class Doubt(Exception):
    """An answer that does not show whether the request was executed."""


class Person:
    """A user and its expected state. `state` is young, signed-up, verified, deleted, or open when nothing is known."""

    def __init__(self, email, state):
        self.email, self.state, self.id, self.pair, self.admin = email, state, None, None, False
        self.requests, self.requested, self.either = 0, None, None

    def broken(self, client):
        """The promise that is broken, if any."""
        status = client.log_in(self.email)[0]
        if self.either:
            statuses = sorted([status, client.log_in(self.either)[0]])
            return None if statuses == [200, 401] else f"changed its address, logins {statuses}"
        wanted = {"signed-up": (200, 403), "verified": (200,), "deleted": (401,)}.get(self.state, (200, 401, 403))
        return None if status in wanted else f"{self.state}, login {status}"


class Crowd:
    """The users of one client, over all rounds."""

    def __init__(self, name):
        self.name, self.people, self.made, self.admin = name, [], 0, None
        self.counts, self.broken = {}, []

    def call(self, what, wanted, method, path, body=None, token=None):
        """An answer, which is counted. Raises `Doubt` for a missing answer or a 5xx."""
        try:
            status, _, answer = self.client.call(method, path, body, token)
        except GONE as gone:
            raise Doubt(what) from gone
        self.counts[what, status] = self.counts.get((what, status), 0) + 1
        if status >= 500:
            raise Doubt(what)
        return status == wanted, status, answer

    def mailed(self, email, kind):
        for _ in range(40):
            for mail in self.call("mail", 200, "GET", f"/_local/mail?to={email}")[2]:
                if mail["kind"] == kind:
                    return mail["token"]
            time.sleep(0.02)
        raise Doubt("mail")

    def run(self, port, stop, short):
        self.client, self.admin = Client(port), None
        while not stop.is_set():
            try:
                self.step(short)
            except Doubt:
                self.client.connection.close()
                time.sleep(0.005)
        if short:
            for person in self.people:
                person.state = "open" if person.state == "young" else person.state

    def step(self, short):
        living = [person for person in self.people[-12:] if person.state in ("young", "signed-up", "verified")]
        if len(living) < 4 or random.random() < 0.1:
            return self.sign_up(short)
        person = random.choice(living)
        if person.state != "verified":
            return self.verify(person)
        if person.pair is None:
            return self.log_in(person)
        steps = [self.log_in, self.refresh, self.change_address, self.change_role, self.delete]
        return random.choices(steps, [3, 3, 4, 3, 1])[0](person)

    def sign_up(self, short):
        self.made += 1
        email = f"{self.name}-{self.made}@example.com"
        body = {"email": email, "password": PASSWORD}
        if self.call("signup", 201, "POST", "/auth/signup", body)[0]:
            self.people.append(Person(email, "young" if short else "signed-up"))

    def verify(self, person):
        token = self.mailed(person.email, "verify-email")
        done, status, _ = self.call("verify", 200, "POST", "/auth/verify", {"token": token})
        # An earlier attempt, whose answer was lost, used the token; or the user expired.
        if done or (status == 400 and self.log_in(person)):
            person.state = "verified"

    def log_in(self, person):
        body = {"email": person.email, "password": PASSWORD}
        done, status, pair = self.call("login", 200, "POST", "/auth/login", body)
        if done:
            person.pair = pair
            me = self.call("me", 200, "GET", "/users/me", token=pair["access_token"])
            person.id = me[2]["id"] if me[0] else person.id
        elif person.state == "verified":
            self.broken.append(f"{person.email}: verified, login {status}")
            person.state = "open"
        elif person.state == "young":
            person.state = "open"
        return done

    def refresh(self, person):
        token, person.pair = person.pair["refresh_token"], None
        done, _, pair = self.call("refresh", 200, "POST", "/auth/refresh", {"refresh_token": token})
        person.pair = pair if done else None

    def change_address(self, person):
        if person.requested is None:
            person.requests += 1
            new = f"{person.email.split('@')[0].split('.')[0]}.{person.requests}@example.com"
            body, token = {"new_email": new, "password": PASSWORD}, person.pair["access_token"]
            if self.call("request", 202, "POST", "/users/me/email", body, token)[0]:
                person.requested = new
            return
        token, new, old = self.mailed(person.requested, "confirm-email"), person.requested, person.email
        try:
            done = self.call("confirm", 200, "POST", "/auth/confirm-email", {"token": token, "password": PASSWORD})[0]
        except Doubt:
            person.state, person.either = "open", new
            raise
        person.requested = None
        if done:
            person.email, person.pair = new, None  # It was not confirmed in a session: all sessions have ended.
        else:
            self.broken.append(f"{old}: a valid token was refused")
            person.state = "open"

    def change_role(self, person):
        if self.admin is None:
            done, status, pair = self.call("login", 200, "POST", "/auth/login", {"email": ADMIN, "password": PASSWORD})
            if not done:
                self.broken.append(f"the administrator's login is answered {status}")
                return
            self.admin = pair["access_token"]
        if person.id:
            body = {"role": "user" if person.admin else "admin"}
            done, status, _ = self.call("role", 200, "PUT", f"/users/{person.id}/role", body, self.admin)
            person.admin = person.admin != done
            self.admin = None if status == 401 else self.admin

    def delete(self, person):
        state, person.state = person.state, "open"
        body, token = {"password": PASSWORD}, person.pair["access_token"]
        done = self.call("delete", 204, "DELETE", "/users/me", body, token)[0]
        person.state, person.pair = "deleted" if done else state, None


def live(folder, crowds, short):
    """One round: all clients work until the process is killed."""
    process, stop = Process(folder, 2 if short else 172_800), threading.Event()
    threads = [threading.Thread(target=crowd.run, args=(process.port, stop, short)) for crowd in crowds]
    try:
        for thread in threads:
            thread.start()
        end = time.monotonic() + random.uniform(0.1, 1.2)
        if short:
            with contextlib.suppress(GONE):
                Client(process.port).call("POST", "/_local/invoke/CleanupFunction", {})
        time.sleep(max(0, end - time.monotonic()))
    finally:
        process.kill()
        stop.set()
        for thread in threads:
            thread.join()


def judge(folder, crowds):
    """The violations that `userctl check` finds, and the broken promises."""
    process = Process(folder, 172_800)
    try:
        checked = process.userctl("check")
        if not checked.stdout:
            raise SystemExit(f"userctl check failed: {checked.stderr}")
        report, client = json.loads(checked.stdout), Client(process.port)
        people = [person for crowd in crowds for person in crowd.people if person.state != "open" or person.either]
        sample = random.sample(people, min(SAMPLE, len(people)))
        found = [(person.email, person.broken(client)) for person in sample]
        broken = [line for crowd in crowds for line in crowd.broken]
        return report, len(sample), broken + [f"{email}: {what}" for email, what in found if what]
    finally:
        process.kill()


with tempfile.TemporaryDirectory() as folder:
    first = Process(folder, 172_800)
    try:
        made = first.userctl("admin", "create", "--email", ADMIN, "--password-stdin", typed=PASSWORD + "\n")
    finally:
        first.kill()
    if made.returncode != 0:
        raise SystemExit(f"no administrator was made: {made.stderr}")
    crowds, begun, rounds = [Crowd(f"c{n}") for n in range(CLIENTS)], time.monotonic(), 0
    while rounds < ROUNDS and time.monotonic() - begun < 60 + 3 * ROUNDS:
        rounds += 1
        live(folder, crowds, short=rounds % 5 == 0)
    took = time.monotonic() - begun
    report, sampled, broken = judge(folder, crowds)

counts, states = {}, {}
for crowd in crowds:
    for (what, status), times in crowd.counts.items():
        counts.setdefault(what, {})[status] = counts.get(what, {}).get(status, 0) + times
    for person in crowd.people:
        states[person.state] = states.get(person.state, 0) + 1
print(f"{rounds} kills in {took:.0f} s; answers {counts}; people {states}")
print(", ".join(f"{report[name]} {name}" for name in ("users", "logins", "reservations", "sessions", "admins")), report["notes"])
print(f"{report['violation_count']} violations; of {sampled} promises {len(broken)} broken")
for line in [f"{one['kind']} {' '.join(one['ids'])}" for one in report["violations"]][:20] + broken[:20]:
    print("  ", line)
sys.exit(bool(report["violation_count"] or broken or rounds < ROUNDS))
