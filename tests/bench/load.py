"""Generates load with `wrk`, and measures its cost: CPU and memory of a process and its descendants. Standard library only; Linux."""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Call:
    """A kind of request. `{n}`, `{value}` and `{carried}` in body and headers are filled in by load.lua."""

    method: str
    path: str
    body: str = ""
    headers: dict = None
    values: list = None
    carry: str = None


@dataclass
class Load:
    """The result of wrk; latencies in ms."""

    run: str
    requests: int
    seconds: float
    refused: int
    lost: int
    p50: float
    p90: float
    p99: float

    @property
    def per_second(self):
        return self.requests / self.seconds


class Wrk:
    """A run of wrk, from the constructor to the call of `result`."""

    def __init__(self, port, call, seconds, connections):
        if not shutil.which("wrk"):
            sys.exit("this needs wrk (Debian: apt-get install wrk)")
        self.run = uuid.uuid4().hex[:8]
        self.values = tempfile.NamedTemporaryFile("w")  # noqa: SIM115 (`result` closes it)
        self.values.writelines(f"{value}\n" for value in call.values or [])
        self.values.flush()
        told = {
            "BENCH_METHOD": call.method,
            "BENCH_PATH": call.path,
            "BENCH_HEADERS": "".join(f"{name}: {value}\n" for name, value in (call.headers or {}).items()),
            "BENCH_VALUES": self.values.name,
            "BENCH_RUN": self.run,
        }
        optional = {"BENCH_BODY": call.body, "BENCH_CARRY": call.carry}
        told.update({name: value for name, value in optional.items() if value})
        threads = connections if call.carry else 1
        command = ["wrk", f"-t{threads}", f"-c{connections}", f"-d{seconds}s", "--timeout", "60s"]
        command += ["-s", str(Path(__file__).with_name("load.lua")), f"http://127.0.0.1:{port}{call.path}"]
        self.process = subprocess.Popen(command, env={**os.environ, **told}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def result(self):
        output = self.process.communicate()[0]
        self.values.close()
        line = re.search(r"^LOAD (.*)$", output, re.MULTILINE)
        if not line:
            sys.exit(f"wrk failed:\n{output}")
        requests, duration, refused, lost, p50, p90, p99 = map(float, line[1].split())
        return Load(self.run, int(requests), duration / 1e6, int(refused), int(lost), p50 / 1000, p90 / 1000, p99 / 1000)


def load(port, call, seconds, connections=16):
    return Wrk(port, call, seconds, connections).result()


def family(root):
    """A process and its descendants."""
    children = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rsplit(")", 1)[1].split()[1])
        except OSError:
            continue  # It has ended in the meantime.
        children.setdefault(parent, []).append(int(stat.parent.name))
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    return found


def cpu_seconds(roots):
    """The processor time of processes and their descendants, including those that have ended."""
    ticks = 0
    for pid in {pid for root in roots for pid in family(root)}:
        with contextlib.suppress(OSError):  # It has ended in the meantime.
            ticks += sum(map(int, Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[11:15]))
    return ticks / TICKS


def pss_bytes(root):
    """The memory of a process and its descendants; shared memory counts once."""
    total = 0
    for pid in family(root):
        try:
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            continue
        total += int(re.search(r"^Pss:\s+(\d+) kB", rollup, re.MULTILINE)[1]) * 1024
    return total


def settle(roots, seconds=15):
    """Waits until processes have finished deferred work: emails, the store's own work."""
    until = time.monotonic() + seconds
    before = cpu_seconds(roots)
    while time.monotonic() < until:
        time.sleep(0.5)
        now = cpu_seconds(roots)
        if now - before < 0.03:
            return
        before = now


class Process:
    """A running service, which `end` stops with its descendants. `start_ms` is the time to its first 200."""

    def __init__(self, command, environment, folder, log, url, seconds=60):
        self.log = open(log, "a")  # noqa: SIM115 (`end` closes it)
        begun = time.perf_counter()
        # A session of its own: its id is then the id of a process group without other processes.
        self.process = subprocess.Popen(
            command, cwd=folder, env={**os.environ, **environment}, stdout=self.log, stderr=self.log, start_new_session=True
        )
        self.pid = self.process.pid
        while time.perf_counter() - begun < seconds and self.process.poll() is None:
            try:
                with urllib.request.urlopen(url, timeout=5) as answer:
                    if answer.status == 200:
                        self.start_ms = (time.perf_counter() - begun) * 1000
                        return
            except OSError:
                time.sleep(0.001)
        self.end()
        raise RuntimeError(f"{command[0]} does not answer: {Path(log).read_text()[-1500:]}")

    def end(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            os.killpg(self.pid, how)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(self.pid, signal.SIGKILL)
                self.process.wait()
        self.log.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()


def free_ports(count):
    """Different ports that are currently unused."""
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports
