"""Lambda for a function on this machine: the environment variables from template.yaml, and the Runtime API on loopback. Standard library
only."""

import os
import queue
import re
import signal
import socket
import tempfile
import threading
import time
from collections import namedtuple
from pathlib import Path

from service import ROOT

Declared = namedtuple("Declared", "binary memory_mb timeout_seconds")
Request = namedtuple("Request", "method path headers body")
Seen = namedtuple("Seen", "what at body")


def template():
    return (ROOT / "template.yaml").read_text()


def declared():
    """The functions of the template, in its order."""
    blocks = re.split(r"\n(?=  \w+:\n)", template())
    number = lambda name, block, otherwise: int((re.search(rf"\n +{name}: (\d+)", block) or [0, otherwise])[1])
    common = next(block for block in blocks if "\n    Runtime:" in block)
    memory, timeout = number("MemorySize", common, 128), number("Timeout", common, 3)
    for block in blocks:
        if binary := re.search(r"\bBinary: (\w+)", block):
            yield Declared(binary[1], number("MemorySize", block, memory), number("Timeout", block, timeout))


def settings():
    """The environment variables that the template gives all functions, with default parameters and resources named by logical ids."""
    text = template()
    defaults = re.findall(r'^  (\w+): \{Type: .*?\bDefault: ("[^"]*"|[^,}]*)', text, re.MULTILINE)
    parameters = {name: value.strip().strip('"') for name, value in defaults}
    variables = text.split("\n      Variables:\n", 1)[1].split("\n\n", 1)[0]
    pairs = re.findall(r'^ +([A-Z][A-Z0-9_]*): (?:!Ref|!Join \[",", !Ref) ([\w:]+)', variables, re.MULTILINE)
    plain = re.findall(r'^ +([A-Z][A-Z0-9_]*): (""|\w[^\s"]*)', variables, re.MULTILINE)
    # Conditional values: with default parameters a stack owns its resources, and every other condition selects its second value.
    pairs += re.findall(r"^ +([A-Z][A-Z0-9_]*): !If \[Owns\w+, !Ref (\w+),", variables, re.MULTILINE)
    plain += re.findall(r'^ +([A-Z][A-Z0-9_]*): !If \[\w+, .*, ("[^"]*")\]', variables, re.MULTILINE)
    given = {name: parameters.get(source, source) for name, source in pairs if source != "AWS::NoValue"}
    return given | {name: value.strip('"') for name, value in plain}


def program(folder, binary):
    """The path of a function's program in a folder that cargo or cargo lambda filled, or None."""
    paths = [Path(folder) / binary, Path(folder) / binary / "bootstrap"]
    return next((path.resolve() for path in paths if path.is_file()), None)


def read(stream):
    """The next request of a connection, or None at its end."""
    first = stream.readline()
    if not first.strip():
        return None
    method, path, _ = first.decode().split(" ", 2)
    headers = {}
    while line := stream.readline().strip():
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.lower()] = value.strip()
    if headers.get("transfer-encoding", "").lower() != "chunked":
        return Request(method, path, headers, stream.read(int(headers.get("content-length", 0))))
    body = b""
    while size := int(stream.readline().split(b";")[0], 16):
        body += stream.read(size)
        stream.readline()
    while stream.readline().strip():
        pass
    return Request(method, path, headers, body)


def answer(link, status, headers, body=b""):
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    link.sendall(f"HTTP/1.1 {status}\r\n{lines}content-length: {len(body)}\r\n\r\n".encode() + body)


def each_connection(listener, serve):
    """Serves each connection of a listener in its own thread, until the listener is closed."""

    def one(link):
        try:
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            serve(link)
        except (OSError, ValueError):
            pass  # The function ended or was stopped.

    def run():
        while True:
            try:
                link, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=one, args=(link,), daemon=True).start()

    threading.Thread(target=run, daemon=True).start()


class Function:
    """A function's process, with its own Runtime API. `wait` returns the requests that it makes there."""

    def __init__(self, path, function, environment):
        self.seen, self.events, self.ended = queue.Queue(), queue.Queue(), None
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=16)
        each_connection(self.listener, self.serve)
        environment = {
            **settings(),
            "AWS_REGION": "eu-central-1",
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_LAMBDA_FUNCTION_NAME": function.binary,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_LOG_GROUP_NAME": function.binary,
            "AWS_LAMBDA_LOG_STREAM_NAME": "local",
            **environment,
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self.listener.getsockname()[1]}",
        }
        self.output = tempfile.TemporaryFile()  # noqa: SIM115 (`end` closes it)
        here = [(os.POSIX_SPAWN_DUP2, self.output.fileno(), out) for out in (1, 2)]
        self.started = time.perf_counter()
        self.pid = os.posix_spawn(path, ["bootstrap"], environment, file_actions=here)

    def serve(self, link):
        stream = link.makefile("rb")
        while request := read(stream):
            at = time.perf_counter()
            what = "init-error" if request.path.endswith("/init/error") else request.path.rsplit("/", 1)[-1]
            self.seen.put(Seen(what, at, request.body))
            if what != "next":
                answer(link, "202 Accepted", {"content-type": "application/json"}, b'{"status":"OK"}')
                continue
            event, seconds = self.events.get()
            if event is None:
                return
            headers = {
                "content-type": "application/json",
                "lambda-runtime-aws-request-id": "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
                "lambda-runtime-deadline-ms": int((time.time() + seconds) * 1000),
                "lambda-runtime-invoked-function-arn": "arn:aws:lambda:eu-central-1:123456789012:function:local",
                "lambda-runtime-trace-id": "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0",
            }
            answer(link, "200 OK", headers, event)

    def invoke(self, event, seconds):
        """Gives the function an event, with a deadline in seconds."""
        self.events.put((event, seconds))

    def wait(self, *wanted, seconds=20):
        """The function's next request, which has to be one of these."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                seen = self.seen.get(timeout=0.1)
            except queue.Empty:
                if self.gone():
                    break
                continue
            if seen.what in wanted:
                return seen
            raise self.failed(f"{seen.what} instead of {' or '.join(wanted)}: {seen.body[:500].decode(errors='replace')}")
        raise self.failed(f"no {' or '.join(wanted)}")

    def failed(self, why):
        """Stops the function, and returns the error that ends the script."""
        output = os.pread(self.output.fileno(), 1_000_000, 0).decode(errors="replace")[-2_000:]
        self.end()
        return SystemExit(f"a function failed: {why}\n{output}")

    def memory(self, name):
        """Bytes by a name of /proc, such as VmRSS or VmHWM."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(rf"^{name}:\s+(\d+) kB", status, re.MULTILINE)[1]) * 1024

    def gone(self):
        if self.ended is None and os.waitpid(self.pid, os.WNOHANG)[0]:
            self.ended = True
        return bool(self.ended)

    def end(self):
        if not self.gone():
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self.ended = True
        self.events.put((None, 0))
        self.listener.shutdown(socket.SHUT_RDWR)  # Closing alone would not wake the thread that accepts.
        self.listener.close()
        self.output.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if not self.output.closed:
            self.end()
