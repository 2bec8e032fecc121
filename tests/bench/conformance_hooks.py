"""Hooks of Schemathesis: values that the service accepts, and a caller who signs in again after a call ended the session or the account.
`conformance.py` sets CALLER (user or admin; anything else means no sign-in), SERVICE_URL and USERCTL."""

import itertools
import json
import os
import subprocess
import time
import urllib.error
import urllib.request

import schemathesis
from hypothesis import strategies as st

CALLER, URL = os.environ["CALLER"], os.environ["SERVICE_URL"]
PASSWORD = "Flat-Wh1te-please"
NUMBERS = itertools.count(int(time.time()))

# A valid password, and an address whose parts every parser accepts.
words = st.lists(st.sampled_from(["otter", "Kettle", "7quarry", "Velvet!", "anchor-3", "Umbra"]), min_size=4, max_size=6, unique=True)
schemathesis.openapi.format("password", words.map("-".join))
part = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=20)
schemathesis.openapi.format("email", st.builds(lambda a, b: f"{a}@{b}.example.com", part, part))


def call(method, path, body=None):
    request = urllib.request.Request(URL + path, json.dumps(body).encode() if body else None, method=method)
    request.add_header("content-type", "application/json")
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            raw = answer.read()
            return json.loads(raw) if raw else None
    except urllib.error.HTTPError as error:
        raise RuntimeError(f"{method} {path}: {error.code} {error.read()[:300]}") from error


def account():
    """A new account of the caller's kind; the previous one may be deleted, deactivated or no longer an administrator."""
    email = f"caller-{next(NUMBERS)}@example.com"
    if CALLER == "admin":
        command = [os.environ["USERCTL"], "--endpoint", f"{URL}/_local/aws", "admin", "create", "--email", email, "--password-stdin"]
        subprocess.run(command, input=PASSWORD, text=True, check=True, capture_output=True)
        return email
    call("POST", "/api/v1/auth/signup", {"email": email, "password": PASSWORD})
    while not (mails := call("GET", f"/_local/mail?to={email}")):
        time.sleep(0.05)
    call("POST", "/api/v1/auth/verify", {"token": mails[0]["token"]})
    return email


if CALLER in ("user", "admin"):
    # Schemathesis calls `get` again after a 401.
    @schemathesis.auth(refresh_interval=600).apply_to(func=lambda context: context.operation.path.startswith("/api/"))
    class Caller:
        def get(self, case, context):
            return call("POST", "/api/v1/auth/login", {"email": account(), "password": PASSWORD})["access_token"]

        def set(self, case, data, context):
            case.headers = {**(case.headers or {}), "Authorization": f"Bearer {data}"}
