"""Do other services accept this service's access tokens, and nothing else? `python3 tests/bench/verifiers.py`: PyJWT, jose, aws-jwt-verify
and jsonwebtoken by the examples of infra/docs/moving.md, and API Gateway's JWT authorizers as infra/local/src/authorizer.rs emulates them,
with the tokens of a `local` that signs with RS256, ES256, EdDSA and HS256. Most of the tokens that must be refused are signed by the
service's own key. Exits with 1 when an answer is wrong, or when that page has other examples. Needs
`cargo build --release -p local -p userctl`, Node.js and npm; installs the libraries below target/."""

import base64
import hmac
import json
import os
import shutil
import subprocess
import sys
import time
import venv
from pathlib import Path

from service import OUT_OF_REACH, ROOT, Client, Service

HERE = Path(__file__).resolve().parent / "verifiers"
WORK = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "verifiers"
PORT = 18500
ISSUER, AUDIENCE, EMAIL = f"http://127.0.0.1:{PORT}", "coffee-shop-users", "ann@example.com"
EXAMPLES = {
    "python": "pyjwt_example.py",
    "js": "jose_example.js aws_jwt_verify_example.js",
    "rust": "rust/src/example.rs",
    "yaml": "http_api_example.yaml",
}


def run(*command, **options):
    subprocess.run(command, check=True, **options)


def install():
    """Installs what has changed, and goes on with the Python that has PyJWT."""
    python, node = WORK / "python", WORK / "node"
    wanted = (HERE / "requirements.txt").read_text() + (HERE / "package.json").read_text()
    done = WORK / "installed"
    if not done.exists() or done.read_text() != wanted:
        venv.create(python, with_pip=True, clear=True)
        run(python / "bin" / "pip", "install", "--quiet", "--no-deps", "-r", HERE / "requirements.txt")
        node.mkdir(exist_ok=True)
        shutil.copy(HERE / "package.json", node)
        run("npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--silent", cwd=node)
        done.write_text(wanted)
    if Path(sys.prefix) != python:
        os.execv(python / "bin" / "python", [python / "bin" / "python", *sys.argv])
    for file in HERE.glob("*.js"):
        shutil.copy(file, node)
    cargo = {**os.environ, "CARGO_TARGET_DIR": str(WORK / "rust")}
    run("cargo", "build", "--quiet", "--locked", "--manifest-path", HERE / "rust" / "Cargo.toml", env=cargo)


class Program:
    """A verifier that reads tokens and writes its answers."""

    def __init__(self, command, keys=None):
        self.process = subprocess.Popen([*command, ISSUER, AUDIENCE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if keys is not None:
            print(json.dumps(keys), file=self.process.stdin, flush=True)

    def accepts(self, token):
        print(token, file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline()
        assert answer, "the verifier ended"
        return answer.startswith("accepted ")

    def end(self):
        self.process.stdin.close()
        self.process.wait(timeout=10)
        self.process.stdout.close()


class PyJwt:
    """The same in this process."""

    def __init__(self):
        sys.path.insert(0, str(HERE))
        from pyjwt_example import verifier

        self.claims = verifier(ISSUER, AUDIENCE)

    def accepts(self, token):
        import jwt

        try:
            return bool(self.claims(token))
        except jwt.PyJWTError:
            return False

    def end(self):
        pass


def verifiers(keys):
    """Each with nothing fetched yet, by name."""
    rust = str(WORK / "rust" / "debug" / "verifiers")
    node = ["node", str(WORK / "node" / "main.js")]
    return {
        "PyJWT": PyJwt(),
        "jose": Program([*node, "jose"]),
        "aws-jwt-verify": Program([*node, "aws_jwt_verify"]),
        "jsonwebtoken": Program([rust, "jsonwebtoken"], keys),
        "HTTP API": Program([rust, "http"], keys),
        "REST API": Program([rust, "rest"], keys),
    }


def knows(verifier, algorithm):
    """Whether a verifier accepts an algorithm at all."""
    return algorithm in {"HTTP API": ["RS256"], "REST API": ["RS256", "ES256"]}.get(verifier, ["RS256", "ES256", "EdDSA"])


def encoded(part):
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decoded(part):
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


class Forger:
    """Whoever has the service's signing key; the local stack shows it to everybody."""

    def __init__(self, client, token):
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

        client.connection.request("POST", "/_local/aws", '{"SecretId": "SigningSecret"}', {"x-amz-target": "secretsmanager.GetSecretValue"})
        secret = json.loads(json.loads(client.connection.getresponse().read())["SecretString"])
        self.token, self.parts = token, token.split(".")
        self.header, self.claims = (json.loads(decoded(part)) for part in self.parts[:2])
        key = next(key for key in secret["keys"] if key["kid"] == self.header["kid"])
        der, algorithm = base64.b64decode(key["private_key"]), key["algorithm"]
        # ring writes Ed25519 keys with the public half (RFC 5958), which OpenSSL does not read.
        ed = ed25519.Ed25519PrivateKey
        self.key = ed.from_private_bytes(der[16:48]) if algorithm == "EdDSA" else serialization.load_der_private_key(der, None)
        strangers = {
            "RS256": lambda: rsa.generate_private_key(65537, 2048),
            "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
            "EdDSA": ed.generate,
        }
        self.stranger = strangers[algorithm]()
        self.public = self.key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)

    def signed(self, claims, key=None, **header):
        """A token with the service's header and claims and these; `None` leaves one out."""
        import jwt

        claims = {name: value for name, value in {**self.claims, **claims}.items() if value is not None}
        return jwt.encode(claims, key or self.key, self.header["alg"], {**self.header, **header})

    def unsigned(self, algorithm):
        return f"{encoded({**self.header, 'alg': algorithm})}.{self.parts[1]}"

    def forgeries(self, refresh):
        """What must be refused, by name."""
        now, (head, claims, signature) = int(time.time()), self.parts
        hs256 = self.unsigned("HS256")
        last = "A" if signature[10] != "A" else "B"
        return {
            "another aud": self.signed({"aud": "orders"}),
            "another iss": self.signed({"iss": "https://api.example.com"}),
            "no aud": self.signed({"aud": None, "client_id": "orders"}),
            "no exp": self.signed({"exp": None}),
            "expired": self.signed({"iat": now - 1_900, "exp": now - 2}),
            "not yet valid": self.signed({"nbf": now + 600}),
            "an ID token": self.signed({"type": None, "scope": None, "role": None}, typ="JWT"),
            "a refresh token": refresh,
            "payload changed": f"{head}.{encoded({**self.claims, 'role': 'admin'})}.{signature}",
            "signature changed": f"{head}.{claims}.{signature[:10]}{last}{signature[11:]}",
            "no signature": f"{head}.{claims}.",
            "another key, our kid": self.signed({}, self.stranger),
            "another kid": self.signed({}, self.stranger, kid="another"),
            "alg none": f"{self.unsigned('none')}.",
            "HS256, public key as secret": f"{hs256}.{encoded(hmac.digest(self.public, hs256.encode(), 'sha256'))}",
        }


class Table:
    """The answers to tokens that were signed with one algorithm."""

    def __init__(self, algorithm, names):
        self.algorithm, self.wrong = algorithm, 0
        self.line = ("{:32}" + "{:>16}" * len(names)).format
        print("\n" + self.line(f"signed with {algorithm}", *names), flush=True)

    def row(self, what, token, asked, valid):
        """`valid`: whether verifiers that know the algorithm must accept it."""
        cells = []
        for name, verifier in asked.items():
            accepted = verifier.accepts(token)
            wrong = accepted != (valid and knows(name, self.algorithm))
            self.wrong += wrong
            cells.append(("accepted" if accepted else "refused") + (" WRONG" if wrong else ""))
        print(self.line(what, *cells), flush=True)


def published(client):
    return client.call("GET", "/.well-known/jwks.json")[2]


def emergency(service, client, settings):
    """Replaces the key, and waits until the service publishes the new one."""
    before = published(client)
    service.userctl(settings, "keys", "rotate", "--emergency")
    for _ in range(100):
        if published(client) != before:
            return
        time.sleep(0.1)
    raise SystemExit("the new key is not published")


def check(algorithm):
    """Prints the table of an algorithm; returns the number of wrong answers."""
    settings = {**OUT_OF_REACH, "JWT_ALGORITHM": algorithm, "JWT_ISSUER": ISSUER, "JWT_AUDIENCE": AUDIENCE}
    with Service(PORT, settings) as service:
        client = Client(PORT)
        client.member(EMAIL)
        tokens = client.log_in(EMAIL)[2]
        access, refresh = tokens["access_token"], tokens["refresh_token"]
        assert json.loads(decoded(access.split(".")[0]))["alg"] == algorithm
        asked = verifiers(published(client))
        table = Table(algorithm, asked)
        try:
            table.row("an access token", access, asked, algorithm != "HS256")
            if algorithm == "HS256":
                table.row("a refresh token", refresh, asked, False)
                return table.wrong
            for what, token in Forger(client, access).forgeries(refresh).items():
                table.row(what, token, asked, False)
            emergency(service, client, settings)
            table.row("key gone, old keys cached", access, asked, True)
        finally:
            for verifier in asked.values():
                verifier.end()
        asked = verifiers(published(client))
        try:
            table.row("key gone, keys fetched again", access, asked, False)
            table.row("a token of the new key", client.log_in(EMAIL)[2]["access_token"], asked, True)
        finally:
            for verifier in asked.values():
                verifier.end()
        return table.wrong


def other_examples():
    """The examples that infra/docs/moving.md does not have in this form."""
    page = (ROOT / "infra" / "docs" / "moving.md").read_text()
    files = [(language, file) for language, files in EXAMPLES.items() for file in files.split()]
    return [file for language, file in files if f"```{language}\n{(HERE / file).read_text()}```" not in page]


def main():
    install()
    other = other_examples()
    for file in other:
        print(f"infra/docs/moving.md does not have {file} as it is")
    wrong = sum(check(algorithm) for algorithm in ["RS256", "ES256", "EdDSA", "HS256"])
    print(f"\n{wrong} wrong answers" if wrong else "\nno wrong answer")
    sys.exit(bool(wrong or other))


main()
