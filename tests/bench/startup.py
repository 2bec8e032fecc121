"""How long does a function take to start, and how big is it? `python3 tests/bench/startup.py [FOLDER] [-n RUNS] [--function NAME]...
[--roots own|system] [--check] [--json FILE]`. Each function of template.yaml is started repeatedly under a Runtime API on
loopback, with stubs of AWS services over TLS, with a certificate of this script (needs `openssl`), and without TLS. The script measures
the time from the process' start to its first `/next`, and to its answer to each of its events in `events/`. FOLDER is target/release by
default; the folder of `cargo lambda` (target/lambda) works, too.

Functions trust the certificates in SSL_CERT_FILE: with `--roots own` (the default) only the script's, with `--roots system` also the
machine's, which adds the time to read them. `--check` exits with 1 when a size exceeds its budget: binary, zip or memory; times are shown
with their budgets and never fail."""

import argparse
import base64
import collections
import datetime
import io
import json
import os
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

from runtime import Function, answer, declared, each_connection, program, read
from service import ROOT

# Sizes in bytes (MB are millions), times in ms: medians, with TLS.
BUDGET = {"binary": 7e6, "zip": 3.2e6, "memory": 12e6, "next_ms": 8, "answer_ms": 10}
DERIVED = {purpose: base64.b64encode(purpose.encode() * 4).decode() for purpose in ("cursor", "access")}
VERIFICATION = {"generation": 0, "keys": [{"kid": "initial", "algorithm": "HS256", "derived": DERIVED, "signs_from": 0}]}
SECRETS = {
    "MetricsSecret": json.dumps({"token": "m" * 48}),
    "SigningSecret": json.dumps({"initial": "k" * 64}),
    "VerificationSecret": json.dumps(VERIFICATION),
}
QUOTA = {"Max24HourSend": 50_000.0, "MaxSendRate": 14.0, "SentLast24Hours": 0.0}
MAIL = {"/v2/email/account": {"SendingEnabled": True, "SendQuota": QUOTA}, "/v2/email/outbound-emails": {"MessageId": "m"}}


class Aws:
    """Secrets Manager with a new stack's secrets, SES and CloudWatch, and a DynamoDB without an item."""

    def __init__(self, tls):
        self.tls, self.calls, self.connections = tls, [], 0
        listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"{'https' if tls else 'http'}://localhost:{listener.getsockname()[1]}"
        each_connection(listener, self.serve)

    def serve(self, link):
        link = self.tls.wrap_socket(link, server_side=True) if self.tls else link
        self.connections += 1
        stream = link.makefile("rb")
        while request := read(stream):
            target = request.headers.get("x-amz-target", "").rsplit(".", 1)[-1]
            self.calls.append(target or request.path.rsplit("/", 1)[-1])
            status, body = self.known(target, request)
            headers = {"content-type": "application/x-amz-json-1.0" if target else "application/json"}
            body = json.dumps(body).encode()
            if request.path.startswith("/service/"):  # CloudWatch: an empty map in CBOR.
                headers, body = {"content-type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}, b"\xa0"
            # On AWS each service has its own host, so no service can use another one's connection.
            shared = "DynamoDB" in request.headers.get("x-amz-target", "")
            answer(link, status, {**headers, "connection": "keep-alive" if shared else "close"}, body)
            if not shared:
                stream.close()
                link.close()
                return

    def known(self, target, request):
        if target == "GetSecretValue":
            asked = json.loads(request.body)
            if "VersionId" in asked or asked.get("VersionStage", "AWSCURRENT") != "AWSCURRENT":
                return "400 Bad Request", {"__type": "ResourceNotFoundException", "Message": "no such version"}
            name = asked["SecretId"]
            return "200 OK", {"ARN": name, "Name": name, "VersionId": "v1", "SecretString": SECRETS[name]}
        return "200 OK", MAIL.get(request.path, {})

    def taken(self):
        """The calls since the last call of this method, by name."""
        calls, self.calls = self.calls, []
        return dict(collections.Counter(calls))


def certificate(folder):
    """Creates an authority and a certificate for this machine's loopback, and the context of a server with it."""
    at = lambda name: str(Path(folder) / name)
    new = ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-sha256"]
    Path(at("leaf.ext")).write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n")
    authority = ["-x509", "-days", "1", "-subj", "/CN=startup.py", "-addext", "keyUsage=critical,keyCertSign"]
    signed = ["-CA", at("ca.pem"), "-CAkey", at("ca.key"), "-CAcreateserial", "-days", "1", "-extfile", at("leaf.ext")]
    for arguments in [
        [*new, *authority, "-keyout", at("ca.key"), "-out", at("ca.pem")],
        [*new, "-subj", "/CN=localhost", "-keyout", at("leaf.key"), "-out", at("leaf.csr")],
        ["x509", "-req", "-in", at("leaf.csr"), *signed, "-out", at("leaf.pem")],
    ]:
        subprocess.run(["openssl", *arguments], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(at("leaf.pem"), at("leaf.key"))
    context.num_tickets = 0  # Each connection needs a full handshake, as with another host.
    return context, at("ca.pem")


def with_system_roots(authority):
    """A file with the machine's certificates and the authority's."""
    paths = ssl.get_default_verify_paths()
    known = [paths.cafile, "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"]
    system = next((path for path in known if path and Path(path).is_file()), None)
    if system is None:
        sys.exit("this machine has no file of certificates: --roots own")
    bundle = Path(authority).with_name("roots.pem")
    bundle.write_text(Path(system).read_text() + "\n" + Path(authority).read_text())
    return str(bundle)


def one_start(path, function, event, aws, roots):
    """One process: its times in ms, its memory in bytes, and its calls before and after it was ready."""
    aws.taken()
    connections = aws.connections
    with Function(path, function, {"AWS_ENDPOINT_URL": aws.url, "SSL_CERT_FILE": roots}) as process:
        ready = process.wait("next")
        found = {
            "next_ms": (ready.at - process.started) * 1000,
            "next_memory": process.memory("VmRSS"),
            "init_calls": aws.taken(),
            "init_connections": aws.connections - connections,
        }
        if event:
            process.invoke(event, function.timeout_seconds)
            done = process.wait("response", "error")
            process.wait("next")
            found["answer_ms"] = (done.at - process.started) * 1000
            found["answer_memory"] = process.memory("VmRSS")
            found["event_calls"] = aws.taken()
            found["outcome"] = done.what if done.what == "error" else status_of(done.body)
        return found


def status_of(body):
    try:
        answer = json.loads(body)
    except ValueError:
        return "no JSON"
    return str(answer["statusCode"]) if isinstance(answer, dict) and "statusCode" in answer else "done"


def median_and_p90(values):
    return statistics.median(values), sorted(values)[min(len(values) - 1, len(values) * 9 // 10)]


def of_runs(name, event, tls, runs):
    row = {"function": name, "event": event, "tls": tls, "runs": len(runs), "outcome": runs[-1].get("outcome")}
    for time_name in ("next_ms", "answer_ms"):
        if time_name in runs[0]:
            row[time_name], row[f"{time_name}_p90"] = median_and_p90([run[time_name] for run in runs])
    for size in ("next_memory", "answer_memory", "init_connections"):
        if size in runs[0]:
            row[size] = statistics.median(run[size] for run in runs)
    for calls in ("init_calls", "event_calls"):
        row[calls] = runs[-1].get(calls, {})
    return row


def sizes(name, path):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
        packed.write(path, "bootstrap")
    return {"function": name, "binary": path.stat().st_size, "zip": len(archive.getvalue())}


def bare_start(runs):
    """The minimum cost of a process on this machine: `true`, from its start to its end, in ms."""
    times = []
    for _ in range(runs):
        begun = time.perf_counter()
        os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0)
        times.append((time.perf_counter() - begun) * 1000)
    return statistics.median(times)


def measure(functions, arguments):
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        context, authority = certificate(folder)
        roots = authority if arguments.roots == "own" else with_system_roots(authority)
        services = {"on": Aws(context), "off": Aws(None)}
        for function, path in functions:
            events = sorted((ROOT / "events").glob(f"{function.binary}-*.json"))
            for event in events or [None]:
                body = event and event.read_bytes()
                runs = {"on": [], "off": []}
                for _ in range(arguments.n):
                    for tls, aws in services.items():
                        runs[tls].append(one_start(path, function, body, aws, roots))
                rows += [of_runs(function.binary, event and event.stem, tls, runs[tls]) for tls in runs]
    return rows


def show(rows, arguments):
    print(f"\nstart to the first /next, and to the answer of an event; ms, {arguments.n} runs, roots: {arguments.roots}")
    heads = ("next p50", "p90", "answer p50", "p90", "MB at next", "after")
    print(f"{'event':26} {'TLS':3} " + " ".join(f"{head:>10}" for head in heads) + "  answer  calls before /next; for the event")
    for row in rows:
        numbers = [row.get(name) for name in ("next_ms", "next_ms_p90", "answer_ms", "answer_ms_p90")]
        numbers += [row[name] / 1e6 if name in row else None for name in ("next_memory", "answer_memory")]
        cells = " ".join(f"{'-' if number is None else f'{number:.1f}':>10}" for number in numbers)
        told = lambda calls: ", ".join(f"{name} {count}" for name, count in calls.items()) or "none"
        calls = f"{told(row['init_calls'])}; {told(row['event_calls'])}"
        print(f"{row['event'] or row['function']:26} {row['tls']:3} {cells}  {row['outcome'] or '-':6}  {calls}")


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("folder", nargs="?", default=Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release")
parser.add_argument("-n", type=int, default=40, help="runs of each kind; 0 looks at the files alone")
parser.add_argument("--function", action="append", help="only this one")
parser.add_argument("--roots", choices=["own", "system"], default="own")
parser.add_argument("--check", action="store_true")
parser.add_argument("--json", metavar="FILE")


def main():
    arguments = parser.parse_args()
    known = [function for function in declared() if not arguments.function or function.binary in arguments.function]
    found = [(function, program(arguments.folder, function.binary)) for function in known]
    missing = [function.binary for function, path in found if path is None]
    if missing or not found:
        sys.exit(f"not in {arguments.folder}: {', '.join(missing) or 'any function'} (cargo build --release)")
    files = [sizes(function.binary, path) for function, path in found]
    rows = measure(found, arguments) if arguments.n else []
    over = []
    print(f"{'function':26} {'binary MB':>10} {'zip MB':>10} {'MB at next':>10}   budget 7, 3.2, 12")
    for file in files:
        resident = [row["next_memory"] for row in rows if row["function"] == file["function"]]
        file["memory"] = max(resident) if resident else None
        values = [(name, file[name]) for name in ("binary", "zip", "memory")]
        over += [f"{file['function']}: {name}" for name, value in values if value and value > BUDGET[name]]
        cells = " ".join(f"{'-' if value is None else f'{value / 1e6:.2f}':>10}" for _, value in values)
        print(f"{file['function']:26} {cells}")
    bare = bare_start(arguments.n) if arguments.n else None
    if rows:
        show(rows, arguments)
        health = [row for row in rows if row["event"] == "health-alive" and row["tls"] == "on"]
        slowest = max(row["next_ms"] for row in rows if row["tls"] == "on")
        print(f"\nstarting and ending `true`: {bare:.1f} ms", end="")
        print(f". Slowest p50 to /next with TLS {slowest:.1f} (budget {BUDGET['next_ms']})", end="")
        print("".join(f"; answer of /health {row['answer_ms']:.1f} (budget {BUDGET['answer_ms']})" for row in health))
        unread = {row["function"] for row in rows if not any(name in row["init_calls"] for name in ("GetItem", "BatchGetItem"))}
        if unread:
            print(f"no DynamoDB call before /next: {', '.join(sorted(unread))}")
    if over:
        print("over the budget: " + ", ".join(over))
    if arguments.json:
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        whole = {"kind": "startup", "made": now, "roots": arguments.roots, "runs": arguments.n, "bare_ms": bare, "budget": BUDGET}
        Path(arguments.json).write_text(json.dumps({**whole, "files": files, "rows": rows}, indent=1) + "\n")
    sys.exit(1 if arguments.check and over else 0)


if __name__ == "__main__":
    main()
