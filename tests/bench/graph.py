"""Draws graphs from the other benchmarks' output with --json: `python3 tests/bench/graph.py FILE... [--folder infra/docs]`. Each file is
from startup.py, peers.py, growth.py, work.py or `cargo userctl cost --json`; the graphs are SVG, for light and dark pages."""

import argparse
import json
import math
from html import escape
from pathlib import Path

from service import ROOT

WIDTH, LABELS, RIGHT, BAR = 830, 285, 90, 16
STYLE = """
  .back { fill: #ffffff } text { fill: #24292f; font: 13px system-ui, sans-serif } .small { font-size: 11px; fill: #57606a }
  .title { font-size: 15px; font-weight: 600 } .grid { stroke: #d0d7de } .limit { stroke: #cf222e; stroke-dasharray: 4 3 }
  .c0 { fill: #0969da; stroke: #0969da } .c1 { fill: #bc4c00; stroke: #bc4c00 }
  .c2 { fill: #1a7f37; stroke: #1a7f37 } .c3 { fill: #8250df; stroke: #8250df } .line { fill: none; stroke-width: 2 }
  @media (prefers-color-scheme: dark) {
    .back { fill: #0d1117 } text { fill: #e6edf3 } .small { fill: #9198a1 } .grid { stroke: #30363d } .limit { stroke: #ff7b72 }
    .c0 { fill: #58a6ff; stroke: #58a6ff } .c1 { fill: #f0883e; stroke: #f0883e }
    .c2 { fill: #3fb950; stroke: #3fb950 } .c3 { fill: #bc8cff; stroke: #bc8cff } .line { fill: none }
  }"""


def text(x, y, words, kind="", anchor="start"):
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">{escape(str(words))}</text>'


def stroke(x1, y1, x2, y2, kind):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'


def legend(names, y):
    parts, x = [], 16
    for n, name in enumerate(names):
        parts += [f'<rect x="{x}" y="{y - 9}" width="10" height="10" class="c{n}"/>', text(x + 15, y, name, "small")]
        x += 34 + 6.2 * len(name)
    return parts


def picture(title, note, height, parts):
    """A complete SVG; a screen reader reads its title."""
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}" height="{height:.0f}" role="img">'
    back = f'<rect class="back" width="{WIDTH}" height="{height:.0f}" rx="6"/>'
    words = [text(16, 26, title, "title"), text(16, height - 12, note, "small")]
    lines = [head, f"<title>{escape(title)}</title>", f"<style>{STYLE}\n</style>", back, *words, *parts, "</svg>"]
    return "\n".join(lines) + "\n"


def short(value):
    if value == 0 or value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 1 else f"{value:.2g}"


def bars(title, note, names, groups, limits=(), logarithmic=False):
    """Horizontal bars: `groups` are labels with a value or None for each name; `limits` are lines with a text."""
    values = [value for _, row in groups for value in row if value]
    if not values:
        return None
    most, least = max([*values, *(limit for limit, _ in limits)]), min(values)
    low = 10 ** math.floor(math.log10(least)) / 2 if logarithmic else 0
    share = (lambda value: math.log(value / low) / math.log(most / low)) if logarithmic else (lambda value: value / most)
    room, parts, y = WIDTH - LABELS - RIGHT, legend(names, 48), 66
    top = y
    for label, row in groups:
        parts.append(text(LABELS - 10, y + BAR * len(row) / 2 + 4, label, anchor="end"))
        for n, value in enumerate(row):
            wide = max(1, room * share(value)) if value else 0
            if value:
                parts.append(f'<rect x="{LABELS}" y="{y}" width="{wide:.1f}" height="{BAR - 3}" class="c{n}"/>')
            parts.append(text(LABELS + wide + 6, y + BAR - 5, "-" if value is None else short(value), "small"))
            y += BAR
        y += 10
    for n, (limit, words) in enumerate(limits):
        x, anchor = LABELS + room * share(limit), "start" if n else "end"
        parts += [stroke(x, top - 4, x, y - 4, "limit"), text(x, y + 8, words, "small", anchor)]
    return picture(title, note, y + (44 if limits else 22), parts)


def lines(title, note, names, xs, rows, floor=0.0):
    """Lines over a logarithmic x axis; each row has a value for each x."""
    most, high = max(max(row) for row in rows) * 1.1, 330
    left, right, top = 56, WIDTH - 30, 70
    spread = math.log(xs[-1] / xs[0]) or 1
    x_of = lambda x: left + (right - left) * math.log(x / xs[0]) / spread
    y_of = lambda y: high - (high - top) * (y - floor) / (most - floor)
    parts = legend(names, 48)
    for n in range(5):
        value = floor + (most - floor) * n / 4
        parts += [stroke(left, y_of(value), right, y_of(value), "grid"), text(left - 6, y_of(value) + 4, short(value), "small", "end")]
    parts += [text(x_of(x), high + 18, f"{x:,}", "small", "end" if x == xs[-1] else "middle") for x in xs]
    for n, row in enumerate(rows):
        points = " ".join(f"{x_of(x):.1f},{y_of(y):.1f}" for x, y in zip(xs, row, strict=True))
        parts.append(f'<polyline points="{points}" class="c{n} line" style="fill: none"/>')
        parts += [f'<circle cx="{x_of(x):.1f}" cy="{y_of(y):.1f}" r="3" class="c{n}"/>' for x, y in zip(xs, row, strict=True)]
    return picture(title, note, high + 54, parts)


def of_startup(figures):
    budget, day = figures["budget"], figures["made"][:10]
    rows = [row for row in figures["rows"] if row["tls"] == "on"]
    groups = [(row["event"] or row["function"], [row["next_ms"], row.get("answer_ms")]) for row in rows]
    limits = [(budget["next_ms"], f"{budget['next_ms']} ms"), (budget["answer_ms"], f"{budget['answer_ms']} ms")]
    note = f"p50 of {figures['runs']} starts, TLS, no Lambda beneath. {day}"
    title = "From a process' start to ready and to its first answer, ms"
    yield "startup", bars(title, note, ["first /next", "first answer"], groups, limits)
    sizes = ["binary", "zip", "memory"]
    groups = [(file["function"], [file[name] and file[name] / 1e6 for name in sizes]) for file in figures["files"]]
    words = ", ".join(f"{name} {budget[name] / 1e6:g}" for name in sizes)
    yield "sizes", bars("Size of the functions, MB", f"Budget: {words} MB. {day}", ["binary", "zipped", "memory when ready"], groups)


def of_peers(figures):
    names = [about["service"] for about in figures["services"]]
    note = f"wrk, {figures['connections']} connections, {figures['cores']} cores shared with it; logarithmic. {figures['made'][:10]}"
    titles = {
        "per_second": "Requests/s; more is better",
        "cpu_ms": "CPU of a request, service and store, ms",
        "p99": "p99 of an answer, ms",
    }
    for key, title in titles.items():
        groups = []
        for operation in ("sign-up", "login", "me", "refresh"):
            rows = [next((row for row in about["rows"] if row["operation"] == operation), {}) for about in figures["services"]]
            groups.append((operation, [row.get(key) for row in rows]))
        if key == "per_second":
            for row in figures["equal_cost"]:
                values = [row["per_second"]]
                for about in figures["services"][1:]:
                    login = next(one for one in about["rows"] if one["operation"] == "login")
                    values.append(login["per_second"] if about["service"] == row["beside"] else None)
                groups.append((f"login, cost of {row['beside']}", values))
        yield f"peers-{key.replace('_', '-')}", bars(title, note, names, groups, logarithmic=True)


def of_growth(figures):
    sizes, names = figures["sizes"], list(figures["sizes"][0]["operations"])
    xs, day = [size["users"] for size in sizes], figures["made"][:10]
    ratios = [[size["operations"][name]["ratio"] for size in sizes] for name in names]
    calls = [[size["operations"][name]["units"] for size in sizes] for name in names]
    times = "Time of an answer by the number of users, to that of a service of 1,000"
    units = "Database units for a call, by the number of users"
    yield "growth-time", lines(times, f"One connection, embedded database. {day}", names, xs, ratios)
    yield "growth-units", lines(units, f"As the request's log line tells them. {day}", names, xs, calls)


def of_work(figures):
    rows = sorted(figures["routes"].items(), key=lambda row: -row[1][0])
    note = f"callgrind; the store, the password's hash and the network left out. {figures['made'][:10]}"
    groups = [(route.replace("/api/v1", ""), [counted[0] / 1e6]) for route, counted in rows]
    yield "work", bars("Instructions of a call in gateway, function and SDK, millions", note, ["instructions"], groups)
    groups = [(route.replace("/api/v1", ""), [counted[1]]) for route, counted in rows]
    yield "work-allocations", bars("Allocations of a call", note, ["allocations"], groups)


def of_cost(figures):
    month, note = figures["month"], f"cargo userctl cost; prices of {figures['prices_of']}"
    groups = [(service, [dollars, month["idle_dollars"][service]]) for service, dollars in month["dollars"].items()]
    groups.append(("Cognito Essentials", [month["cognito_essentials_dollars"], None]))
    yield "cost-month", bars(f"A month with {month['users']:,.0f} users, dollars", note, ["all", "without any call"], groups)
    rows = sorted(figures["million_calls"].items(), key=lambda row: -row[1]["dollars"]["total"])
    groups = [(route.replace("/api/v1", ""), [row["dollars"]["total"], row["dollars"]["SES"]]) for route, row in rows]
    yield "cost-calls", bars("A million calls, dollars", f"{note}; logarithmic", ["all", "of it emails"], groups, logarithmic=True)


DRAWN = {"startup": of_startup, "peers": of_peers, "growth": of_growth, "work": of_work, "cost": of_cost}

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("files", nargs="+", type=Path)
parser.add_argument("--folder", type=Path, default=ROOT / "infra" / "docs")

if __name__ == "__main__":
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for file in arguments.files:
        figures = json.loads(file.read_text())
        for name, svg in DRAWN[figures.get("kind", "cost")](figures):
            if svg:
                (arguments.folder / f"{name}.svg").write_text(svg)
                print(arguments.folder / f"{name}.svg")
