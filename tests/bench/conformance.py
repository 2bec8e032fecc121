"""Does the service conform to its description for all requests? `python3 tests/bench/conformance.py [EXAMPLES]`, by default 500 for each
operation: Schemathesis with all its checks against a new `local`, without sign-in, as a user and as an administrator. conformance.toml and
conformance_hooks.py have what it cannot derive. Exits with 1 on any failure. Needs `cargo build -p local -p userctl`; installs
Schemathesis into a virtual environment below target/."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
EXAMPLES = sys.argv[1] if len(sys.argv) > 1 else "500"
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
MANY = "1000000000"
# As deployed, except for emails, which are not sent: /metrics requires its token. Cheap hashes save hours.
SETTINGS = {
    "ENVIRONMENT": "staging",
    "MAIL_BACKEND": "ses",
    "RATE_LIMIT": MANY,
    "RATE_LIMIT_AUTH": MANY,
    "RATE_LIMIT_ADMIN": MANY,
    "ARGON2_MEMORY_KIB": "64",
    "ARGON2_ITERATIONS": "1",
    "LOG_LEVEL": "error",
}


def schemathesis():
    folder = TARGET / "schemathesis"
    if not (folder / "bin" / "st").exists():
        venv.create(folder, with_pip=True)
        subprocess.run([folder / "bin" / "pip", "install", "--quiet", "schemathesis==4.32.5"], check=True)
    return folder / "bin" / "st"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run(st, caller):
    """Each caller has its own service, so that one caller's changes do not affect the others."""
    port = free_port()
    command = [TARGET / "debug" / "local", "--ephemeral", "--port", str(port), "--dynamodb-port", str(free_port())]
    service = subprocess.Popen(command, env={**os.environ, **SETTINGS}, stdout=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            try:
                urllib.request.urlopen(f"{url}/api/v1/health", timeout=5).close()
                break
            except OSError:
                time.sleep(0.05)
        else:
            raise SystemExit("the service does not answer")
        hooks = {
            "SCHEMATHESIS_HOOKS": "conformance_hooks",
            "PYTHONPATH": str(HERE),
            "CALLER": caller,
            "SERVICE_URL": url,
            "USERCTL": str(TARGET / "debug" / "userctl"),
        }
        config = ["--config-file", HERE / "conformance.toml"]
        options = ["--checks", "all", "--max-examples", EXAMPLES, "--continue-on-failure"]
        command = [st, *config, "run", f"{url}/openapi.json", *options]
        return subprocess.run(command, env={**os.environ, **SETTINGS, **hooks}, cwd=TARGET, check=False).returncode
    finally:
        service.terminate()
        service.wait()


def main():
    st = schemathesis()
    failed = []
    for caller in ["nobody", "user", "admin"]:
        print(f"\n== as {caller}", flush=True)
        if run(st, caller) != 0:
            failed.append(caller)
    print("\nfailed as " + ", ".join(failed) if failed else "\nno failure")
    sys.exit(bool(failed))


main()
