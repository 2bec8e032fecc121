"""Starts `local` for the benchmarks, and calls it. Standard library only; everything stays on this machine."""

import http.client
import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "Flat-Wh1te-please"
OUT_OF_REACH = {"RATE_LIMIT": "1000000000", "RATE_LIMIT_AUTH": "1000000000", "RATE_LIMIT_ADMIN": "1000000000"}


def binary(name):
    """The release build of a program of the workspace (`cargo build --release -p local -p userctl`)."""
    folder = os.environ.get("CARGO_TARGET_DIR", ROOT / "target")
    return str(Path(folder) / "release" / name)


class Client:
    """One connection that stays open."""

    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def call(self, method, path, body=None, token=None):
        """Status, headers and JSON of an answer; `path` is below the base path unless it begins with a dot or an underscore."""
        headers = {"authorization": f"Bearer {token}"} if token else {}
        if body is not None:
            headers["content-type"] = "application/json"
        rooted = path if path.startswith(("/.", "/_")) else f"/api/v1{path}"
        self.connection.request(method, rooted, json.dumps(body) if body is not None else None, headers)
        answer = self.connection.getresponse()
        raw = answer.read()
        return answer.status, answer.headers, json.loads(raw) if raw else None

    def log_in(self, email, password=PASSWORD):
        return self.call("POST", "/auth/login", {"email": email, "password": password})

    def member(self, email):
        """Signs an address up and verifies it."""
        self.call("POST", "/auth/signup", {"email": email, "password": PASSWORD})
        while True:
            mails = self.call("GET", f"/_local/mail?to={email}")[2]
            if mails:
                break
            time.sleep(0.05)
        assert self.call("POST", "/auth/verify", {"token": mails[0]["token"]})[0] == 200
        return email


class Service:
    """A `local` process, with its data in a temporary folder, or joined to another process."""

    def __init__(self, port, settings, join=None):
        self.port = port
        self.folder = tempfile.TemporaryDirectory()
        data = ["--join", join] if join else ["--data", self.folder.name, "--dynamodb-port", str(port + 1)]
        command = [binary("local"), "--port", str(port), *data]
        with open(Path(self.folder.name) / "log", "w") as log:
            self.process = subprocess.Popen(command, env={**os.environ, "LOG_LEVEL": "warn", **settings}, stdout=log)
        self.url = f"http://127.0.0.1:{port}"
        for _ in range(200):
            try:
                if Client(port).call("GET", "/health")[0] == 200:
                    return
            except OSError:
                time.sleep(0.05)
        raise SystemExit(f"{command} does not answer")

    def userctl(self, settings, *arguments):
        command = [binary("userctl"), "--endpoint", f"{self.url}/_local/aws", "--json", *arguments]
        done = subprocess.run(command, env={**os.environ, **settings}, capture_output=True, text=True, check=True)
        return json.loads(done.stdout)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.folder.cleanup()
