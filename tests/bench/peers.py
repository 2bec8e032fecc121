"""Compares this service with FastAPI Users and Better Auth, on one machine in one run: `python3 tests/bench/peers.py [--seconds 10]
[--only NAME]... [--work FOLDER] [--json FILE]`. The peers come from PyPI and npm, pinned in `peers/`, and keep their data in
PostgreSQL; this service is `target/release/local` with its embedded database. Each runs alone and gets requests from wrk over 16
connections. Needs wrk; for the peers PostgreSQL, Python's venv and npm (Debian: apt-get install wrk
postgresql python3-venv npm). A peer that cannot be installed is left out, with a message.

Equal for all: the machine, the load, no rate limits, as many workers as cores, and commits that survive the end of the process but not a
power cut (PostgreSQL's synchronous_commit is off). Not equal: this service writes an event and sends an email at each sign-up, writes an
event and a session at each login, and reads session and counters at each call; the peers do less. Logins are mostly password hashing, so
each row names the hash, and login is compared again at equal cost."""

import argparse
import datetime
import hashlib
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from load import Call, Process, Wrk, cpu_seconds, free_ports, load, pss_bytes, settle
from service import OUT_OF_REACH, PASSWORD, ROOT, Client, binary

HERE = Path(__file__).parent / "peers"
CONNECTIONS, USERS, STARTS = 16, 16, 5
# Between the load and the memory reading: time for each service to release unused memory.
REST_SECONDS = 5
WORKERS = os.cpu_count()
SECRET = "only-of-this-benchmark-0123456789abcdef"
JSON = {"content-type": "application/json"}
PASSWORD_FORM = urllib.parse.quote(PASSWORD)


class Skipped(Exception):
    """The reason why a peer is left out."""


def run(*command, **more):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, **more)
    if done.returncode:
        raise Skipped(f"{Path(command[0]).name} {command[1]} failed: {(done.stderr or done.stdout).strip()[-600:]}")
    return done.stdout.strip()


def needed(*programs):
    for program in programs:
        if not shutil.which(program):
            raise Skipped(f"there is no {program}")


def ask(url, body=None, headers=None, form=False):
    """The JSON of an answer, which has to be a success."""
    kind = "application/x-www-form-urlencoded" if form else "application/json"
    data = body and (urllib.parse.urlencode(body) if form else json.dumps(body)).encode()
    request = urllib.request.Request(url, data, {"content-type": kind, **(headers or {})} if data else headers or {})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())
    except urllib.error.HTTPError as refusal:
        raise Skipped(f"{url} answers {refusal.code}: {refusal.read()[:300]}") from refusal


class PostgreSQL:
    """Debian's PostgreSQL with new data in its own folder; root starts it as the user postgres."""

    def __init__(self):
        places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
        self.bin = places[-1] if places else Path(shutil.which("initdb") or "").parent
        if not (self.bin / "initdb").exists():
            raise Skipped("there is no PostgreSQL")
        self.folder = tempfile.mkdtemp(prefix="peers-")
        self.who = []
        if os.getuid() == 0:
            shutil.chown(self.folder, "postgres", "postgres")
            self.who = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"]
        data = f"{self.folder}/data"
        run(*self.who, self.bin / "initdb", "-D", data, "-U", "bench", "-A", "trust", "--no-sync", cwd=self.folder)
        [self.port] = free_ports(1)
        settings = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": self.folder,
            "synchronous_commit": "off",
        }
        flags = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        self.log = open(f"{self.folder}/log", "w")  # noqa: SIM115 (`end` closes it)
        self.process = subprocess.Popen(
            [*self.who, self.bin / "postgres", "-D", data, *flags],
            cwd=self.folder,
            stdout=self.log,
            stderr=self.log,
            start_new_session=True,
        )
        self.pid = self.process.pid
        for _ in range(200):
            if subprocess.run([self.bin / "pg_isready", *self.server(), "-q"], check=False).returncode == 0:
                return
            time.sleep(0.05)
        self.end()
        raise Skipped("PostgreSQL does not answer")

    def server(self):
        return ["-h", "127.0.0.1", "-p", str(self.port), "-U", "bench"]

    def database(self, name):
        run(self.bin / "createdb", *self.server(), name)
        return f"://bench@127.0.0.1:{self.port}/{name}"

    def ask(self, database, query):
        return run(self.bin / "psql", *self.server(), "-d", database, "-Atc", query)

    def version(self):
        return run(self.bin / "postgres", "--version").split()[2]

    def end(self):
        if self.process.poll() is None:
            self.process.terminate()  # A "smart" shutdown waits for clients; by now there are none.
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class Service:
    """The common part of all three services. `seed` fills `calls` once the service runs."""

    store = None

    def __init__(self, work):
        self.work, self.calls = work, {}
        [self.port] = free_ports(1)
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self, **environment):
        log = self.work / f"{self.key}.log"
        return Process(self.command, {**self.environment, **environment}, self.folder, log, self.url + self.health)

    def roots(self, process):
        return [process.pid] + ([self.store.pid] if self.store else [])


class Ours(Service):
    name, key, health = "this service", "ours", "/api/v1/health"

    def __init__(self, work, memory_kib=19_456, iterations=2):
        super().__init__(work)
        self.folder = Path(tempfile.mkdtemp(prefix="ours-", dir=work))
        self.hash = f"argon2id {memory_kib / 1024:.0f} MiB t={iterations} p=1"
        self.version = re.search(r'^version = "(.*)"', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)[1]
        [database_port] = free_ports(1)
        self.command = [binary("local"), "--port", str(self.port), "--dynamodb-port", str(database_port), "--data", str(self.folder)]
        cost = {"ARGON2_MEMORY_KIB": str(memory_kib), "ARGON2_ITERATIONS": str(iterations)}
        self.environment = {**OUT_OF_REACH, **cost, "LOG_LEVEL": "warn"}

    def seed(self):
        client, emails = Client(self.port), [f"user{n}@example.com" for n in range(USERS)]
        pairs = [client.log_in(client.member(email))[2] for email in emails]
        # So far hashes were computed one at a time, so these are the times of a hash alone.
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=30) as answer:
            text = answer.read().decode()
        sums = [float(re.search(rf"^argon2_duration_seconds_{part}\S* (\S+)$", text, re.MULTILINE)[1]) for part in ("sum", "count")]
        self.hash_alone = {"wall_ms": sums[0] / sums[1] * 1000, "cpu_ms": sums[0] / sums[1] * 1000}
        body = json.dumps({"email": "{value}", "password": PASSWORD})
        access, refresh = ([pair[f"{kind}_token"] for pair in pairs] for kind in ("access", "refresh"))
        self.calls = {
            "sign-up": Call("POST", "/api/v1/auth/signup", json.dumps({"email": "{n}@example.com", "password": PASSWORD}), JSON),
            "login": Call("POST", "/api/v1/auth/login", body, JSON, emails),
            "me": Call("GET", "/api/v1/users/me", headers={"authorization": "Bearer {value}"}, values=access),
            "refresh": Call("POST", "/api/v1/auth/refresh", '{"refresh_token":"{carried}"}', JSON, refresh, '"refresh_token":"([^"]+)"'),
        }


class FastApiUsers(Service):
    name, key, health = "FastAPI Users", "fastapi_users", "/health"

    def __init__(self, work, store):
        super().__init__(work)
        self.folder, self.store, environment = HERE / "fastapi_users", store, work / "venv"
        wanted = (self.folder / "requirements.txt").read_text()
        done = environment / "requirements.txt"
        if not done.exists() or done.read_text() != wanted:
            run(sys.executable, "-m", "venv", "--clear", environment)
            run(environment / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", "-r", self.folder / "requirements.txt")
            done.write_text(wanted)
        self.python = environment / "bin" / "python"
        self.version = re.search(r"^fastapi-users\[.*==(.*)", wanted, re.MULTILINE)[1] + f", Python {platform.python_version()}"
        flags = ["--workers", str(WORKERS), "--log-level", "warning", "--no-access-log"]
        self.command = [str(self.python), "-m", "uvicorn", "app:app", "--host", "127.0.0.1", "--port", str(self.port), *flags]
        url = f"postgresql+asyncpg{store.database('fastapi_users')}"
        self.environment = {"DATABASE_URL": url, "SECRET": SECRET, "PYTHONDONTWRITEBYTECODE": "1"}

    def seed(self):
        emails = [f"user{n}@example.com" for n in range(USERS)]
        for email in emails:
            ask(f"{self.url}/auth/register", {"email": email, "password": PASSWORD})
        log_in = lambda email: ask(f"{self.url}/auth/jwt/login", {"username": email, "password": PASSWORD}, form=True)
        tokens = [log_in(email)["access_token"] for email in emails]
        me = ask(f"{self.url}/users/me", headers={"authorization": f"Bearer {tokens[0]}"})
        assert me["email"] == emails[0], me
        stored = self.store.ask("fastapi_users", 'select hashed_password from "user" limit 1')
        cost = re.match(r"\$(argon2id)\$v=\d+\$m=(\d+),t=(\d+),p=(\d+)\$", stored)
        self.argon2 = cost and (int(cost[2]), int(cost[3]))
        self.hash = f"argon2id {int(cost[2]) / 1024:.0f} MiB t={cost[3]} p={cost[4]}" if cost else stored[:7]
        self.hash_alone = json.loads(run(self.python, self.folder / "hash.py", env={**os.environ, **self.environment}))
        form = {"content-type": "application/x-www-form-urlencoded"}
        self.calls = {
            "sign-up": Call("POST", "/auth/register", json.dumps({"email": "{n}@example.com", "password": PASSWORD}), JSON),
            "login": Call(
                "POST", "/auth/jwt/login", f"username={{value}}&password={PASSWORD_FORM}", form, list(map(urllib.parse.quote, emails))
            ),
            "me": Call("GET", "/users/me", headers={"authorization": "Bearer {value}"}, values=tokens),
            "refresh": None,  # It has no refresh: tokens expire.
        }


class BetterAuth(Service):
    name, key, health = "Better Auth", "better_auth", "/api/auth/ok"
    argon2 = None

    def __init__(self, work, store):
        super().__init__(work)
        needed("node", "npm")
        self.folder, self.store = work / "better_auth", store
        self.folder.mkdir(exist_ok=True)
        done, wanted = self.folder / "installed.json", (HERE / "better_auth" / "package.json").read_text()
        for file in (HERE / "better_auth").iterdir():
            shutil.copy(file, self.folder)
        if not done.exists() or done.read_text() != wanted:
            run("npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--omit=dev", cwd=self.folder)
            done.write_text(wanted)
        self.version = json.loads(wanted)["dependencies"]["better-auth"] + f", Node {run('node', '--version')[1:]}"
        self.command = ["node", "server.js"]
        self.environment = {
            "DATABASE_URL": f"postgres{store.database('better_auth')}",
            "SECRET": SECRET,
            "PORT": str(self.port),
            "WORKERS": str(WORKERS),
            "NODE_ENV": "production",
        }
        run("node", "server.js", "migrate", cwd=self.folder, env={**os.environ, **self.environment})

    def seed(self):
        origin, emails = {"origin": self.url}, [f"user{n}@example.com" for n in range(USERS)]
        for email in emails:
            body = {"email": email, "password": PASSWORD, "name": "Ann"}
            ask(f"{self.url}/api/auth/sign-up/email", body, origin)
        log_in = lambda email: ask(f"{self.url}/api/auth/sign-in/email", {"email": email, "password": PASSWORD}, origin)
        tokens = [log_in(email)["token"] for email in emails]
        bearer = {"authorization": "Bearer {value}"}
        # Without a session it answers 200 and null.
        me = ask(f"{self.url}/api/auth/get-session", headers={"authorization": f"Bearer {tokens[0]}"})
        assert me and me["user"]["email"] == emails[0], me
        self.hash = self.name_of_hash(self.store.ask("better_auth", "select password from account limit 1"))
        self.hash_alone = json.loads(run("node", "hash.js", cwd=self.folder))
        new = {"email": "{n}@example.com", "password": PASSWORD, "name": "Ann"}
        known = {"email": "{value}", "password": PASSWORD}
        session = Call("GET", "/api/auth/get-session", headers=bearer, values=tokens)
        self.calls = {
            "sign-up": Call("POST", "/api/auth/sign-up/email", json.dumps(new), {**JSON, **origin}),
            "login": Call("POST", "/api/auth/sign-in/email", json.dumps(known), {**JSON, **origin}, emails),
            "me": session,
            "refresh": session,  # Reading a session extends it; with UPDATE_AGE=0 every read does.
        }

    def refreshes(self):
        """Whether reading a session now extends it."""
        session = self.calls["me"]
        newest = lambda: self.store.ask("better_auth", 'select max("updatedAt") from session')
        before = newest()
        ask(self.url + session.path, headers={"authorization": f"Bearer {session.values[0]}"})
        return newest() != before

    @staticmethod
    def name_of_hash(stored):
        """The hash's name. The stored text has no parameters: they are right if they give the same key."""
        salt, key = stored.split(":")
        cost = {"n": 16_384, "r": 16, "p": 1}
        made = hashlib.scrypt(PASSWORD.encode(), salt=salt.encode(), dklen=64, maxmem=2**27, **cost).hex()
        return "scrypt N=16384 r=16 p=1 (32 MiB)" if made == key else "scrypt, unknown parameters"


def measured(service, process, operation, seconds, connections=CONNECTIONS):
    """Measures one row: an operation of a running service under load."""
    roots = service.roots(process)
    wrk = Wrk(service.port, service.calls[operation], seconds, connections)
    # CPU is read during the load: at its end some services still work on pending requests, and others do not.
    time.sleep(1)
    begun, before = time.perf_counter(), [cpu_seconds([root]) for root in roots]
    time.sleep(max(1, seconds - 2))
    used = [cpu_seconds([root]) - at_first for root, at_first in zip(roots, before, strict=True)]
    took = time.perf_counter() - begun
    result = wrk.result()
    settle(roots)
    spent = [seconds_used * 1000 / took / result.per_second for seconds_used in used]
    row = {"service": service.name, "operation": operation, "hash": service.hash, "connections": connections}
    row |= {"per_second": result.per_second, "p50": result.p50, "p99": result.p99, "requests": result.requests}
    row |= {"refused": result.refused, "lost": result.lost, "cpu_ms": sum(spent), "store_cpu_ms": spent[1] if spent[1:] else None}
    return row


def under_logins(service, seconds):
    """The time of `me` over one connection, alone and during logins over eight others."""
    alone = load(service.port, service.calls["me"], seconds, 1)
    logins = Wrk(service.port, service.calls["login"], seconds + 2, 8)
    time.sleep(1)
    beside = load(service.port, service.calls["me"], seconds, 1)
    busy = logins.result()
    return {"p50": alone.p50, "p99": alone.p99, "busy_p50": beside.p50, "busy_p99": beside.p99, "logins_per_second": busy.per_second}


def whole(service, seconds):
    """All measurements of a service."""
    starts = []
    for _ in range(STARTS):
        with service.start() as process:
            starts.append(process.start_ms)
    about = {"service": service.name, "version": service.version, "start_ms": statistics.median(starts), "rows": []}
    with service.start() as process:
        service.seed()
        settle(service.roots(process))
        about["memory_before"] = [pss_bytes(root) for root in service.roots(process)]
        for operation in ("me", "sign-up", "login", "refresh"):
            if service.calls[operation] is None:
                about["rows"].append({"service": service.name, "operation": operation, "hash": "", "per_second": None})
            elif operation == "refresh" and isinstance(service, BetterAuth):
                continue  # It needs another setting: see below.
            else:
                about["rows"].append(measured(service, process, operation, seconds))
            print(f"  {service.name}: {operation}", file=sys.stderr)
        about["me_beside_logins"] = under_logins(service, seconds)
        settle(service.roots(process))
        time.sleep(REST_SECONDS)
        about["memory_after"] = [pss_bytes(root) for root in service.roots(process)]
    if isinstance(service, BetterAuth):
        with service.start(UPDATE_AGE="0") as process:
            if service.refreshes():
                about["rows"].append(measured(service, process, "refresh", seconds))
            else:
                about["rows"].append({"service": service.name, "operation": "refresh", "hash": "", "per_second": None})
    return {**about, "hash": service.hash, "hash_alone": service.hash_alone, "argon2": getattr(service, "argon2", None)}


def ours_at(work, seconds, about):
    """This service's login at the cost of a peer's hash: with the same parameters if the algorithm is the same, and otherwise with the
    number of passes that comes nearest to its time."""
    wanted = about["hash_alone"]["cpu_ms"]
    memory_kib, passes = about["argon2"] or (19_456, 6)
    tried = []
    while True:
        service = Ours(work, memory_kib, passes)
        with service.start() as process:
            service.seed()
            settle(service.roots(process))
            cost = service.hash_alone["cpu_ms"]
            tried.append(passes)
            nearest = passes if about["argon2"] else max(1, round(passes * wanted / cost))
            if nearest in tried:
                row = measured(service, process, "login", seconds)
                return {**row, "beside": about["service"], "hash_cpu_ms": cost}
        passes = nearest


def number(value, digits=1):
    return "-" if value is None else f"{value:,.{digits}f}"


def show(figures):
    line = "{:14} {:8} {:34} {:>10} {:>9} {:>9} {:>8} {:>9} {:>7}".format
    print(line("service", "call", "hash", "requests/s", "p50 ms", "p99 ms", "CPU ms", "of store", "failed"))
    order = ["sign-up", "login", "me", "refresh"]
    rows = [row for about in figures["services"] for row in about["rows"]]
    for row in sorted(rows, key=lambda row: order.index(row["operation"])):
        if row["per_second"] is None:
            print(line(row["service"], row["operation"], "", "-", "-", "-", "-", "-", "-"))
            continue
        hashed = row["hash"] if row["operation"] in ("sign-up", "login") else ""
        store = "within" if row["store_cpu_ms"] is None else number(row["store_cpu_ms"], 2)
        times = [number(row[name]) for name in ("per_second", "p50", "p99")]
        failed = row["refused"] + row["lost"]
        print(line(row["service"], row["operation"], hashed, *times, number(row["cpu_ms"], 2), store, failed))
    print("\nlogin at equal cost; hashing is requests/s x the CPU of one hash alone, in cores; the rest is CPU per login beside the hash")
    equal = "{:14} {:34} {:>10} {:>9} {:>8} {:>8}  {}".format
    print(equal("service", "hash", "requests/s", "hash ms", "hashing", "rest ms", ""))
    logins = [
        (row, about["hash_alone"]["cpu_ms"], "") for about in figures["services"] for row in about["rows"] if row["operation"] == "login"
    ]
    logins += [(row, row["hash_cpu_ms"], f"at the cost of {row['beside']}") for row in figures["equal_cost"]]
    for row, cost, why in logins:
        hashing, rest = number(row["per_second"] * cost / 1000, 2), number(row["cpu_ms"] - cost, 2)
        print(equal(row["service"], row["hash"], number(row["per_second"]), number(cost), hashing, rest, why))
    print("\nmemory (PSS, service and store) and start (to the first 200, store running); me over one connection, alone and beside logins")
    about_line = "{:14} {:24} {:>9} {:>16} {:>16} {:>10} {:>12} {:>9}".format
    print(about_line("service", "version", "start ms", "MB before load", "MB after", "me p99 ms", "beside p99", "logins/s"))
    for about in figures["services"]:
        parts = [" + ".join(f"{size / 1e6:.0f}" for size in about[name]) for name in ("memory_before", "memory_after")]
        me = about["me_beside_logins"]
        beside = [number(me[name]) for name in ("p99", "busy_p99", "logins_per_second")]
        print(about_line(about["service"], about["version"], number(about["start_ms"]), *parts, *beside))
    for name, why in figures["skipped"].items():
        print(f"\nleft out: {name}: {why}")


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--seconds", type=int, default=10, help="of each measurement")
parser.add_argument("--only", action="append", choices=["ours", "fastapi_users", "better_auth"])
parser.add_argument("--work", type=Path, default=ROOT / "target" / "peers", help="where the peers are installed")
parser.add_argument("--json", metavar="FILE")


def main():
    arguments = parser.parse_args()
    wanted, seconds = arguments.only or ["ours", "fastapi_users", "better_auth"], arguments.seconds
    work = arguments.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    if not shutil.which("wrk"):
        sys.exit("this needs wrk (Debian: apt-get install wrk)")
    figures = {"kind": "peers", "made": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"), "cores": WORKERS}
    figures |= {"seconds": seconds, "connections": CONNECTIONS, "services": [], "equal_cost": [], "skipped": {}}
    if "ours" in wanted:
        if not Path(binary("local")).exists():
            sys.exit(f"there is no {binary('local')} (cargo build --release -p local)")
        figures["services"].append(whole(Ours(work), seconds))
    peers = [peer for peer in (FastApiUsers, BetterAuth) if peer.key in wanted]
    store = None
    try:
        if peers:
            store = PostgreSQL()
            figures["postgresql"] = store.version()
        for peer in peers:
            try:
                figures["services"].append(whole(peer(work, store), seconds))
            except (Skipped, RuntimeError) as why:
                figures["skipped"][peer.name] = str(why)
    except Skipped as why:
        figures["skipped"] |= {peer.name: str(why) for peer in peers}
    finally:
        if store:
            store.end()
    if "ours" in wanted:
        figures["equal_cost"] = [ours_at(work, seconds, about) for about in figures["services"][1:]]
    for left in work.glob("ours-*"):
        shutil.rmtree(left)
    postgresql = figures.get("postgresql", "not started")
    print(f"{WORKERS} cores shared with wrk, {CONNECTIONS} connections, {seconds} s each; PostgreSQL {postgresql}\n")
    show(figures)
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
