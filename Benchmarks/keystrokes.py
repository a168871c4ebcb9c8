"""Typing 200 characters a second for a minute in a file of 5,000 lines: how long an answer takes."""

from __future__ import annotations

import os
import sys
import time

from client import Client
from setting import Setting, folder, middle, run, share, table
from sources import source

RATE = 200.0
PROBE = '        print("probe", norm)\n'


def measure(setting: Setting) -> None:
    seconds = 5.0 if setting.quick else 60.0
    rows = []
    with folder() as project:
        path = os.path.join(project, "train.py")
        variables = setting.environment(project)
        text = _long_program(setting, project, path, variables, seconds + 15)
        run([setting.hindsight, "record", "--", setting.python, "train.py"], project, variables)
        null = [sys.executable, os.path.join(os.path.dirname(__file__), "nullserver.py")]
        server = [setting.hindsight, "lsp", "--log-level", "critical"]
        floor = _type(null, project, path, text, seconds, variables, probe=False)
        rows.append(_row("nothing (floor)", floor, floor))
        rows.append(
            _row("hindsight", _type(server, project, path, text, seconds, variables, probe=False), floor)
        )
        rows.append(
            _row(
                "hindsight, replaying",
                _type(server, project, path, text, seconds, variables, probe=True),
                floor,
            )
        )
    table(
        ["server", "edits", "edit → answer: median", "99 %", "above the floor: median", "99 %"]
        + ["memory before", "after", "with its processes: before", "after"],
        rows,
    )
    print(
        f"\nMilliseconds and megabytes; {seconds:.0f} seconds of typing, {RATE:.0f} characters a second."
    )


def _long_program(
    setting: Setting, project: str, path: str, variables: dict[str, str], seconds: float
) -> str:
    """A program that runs so long: its replay is to go on until the typing ends."""
    times = []
    for epochs in (1, 21):
        with open(path, "w") as file:
            file.write(source(5000, epochs))
        start = time.perf_counter()
        run([setting.python, "train.py"], project, variables)
        times.append(time.perf_counter() - start)
    text = source(5000, epochs=1 + int(seconds * 20 / max(0.001, times[1] - times[0])))
    with open(path, "w") as file:
        file.write(text)
    return text


def _row(name: str, figures: dict, floor: dict) -> list[str]:
    half, most = middle(figures["times"]), share(figures["times"], 0.99)
    above = [half - middle(floor["times"]), most - share(floor["times"], 0.99)]
    times = [f"{1000 * value:.2f}" for value in [half, most, *above]]
    before, after = figures["memory"]
    sizes = [f"{value:.0f}" for value in (before[0], after[0], before[1], after[1])]
    return [name, str(len(figures["times"])), *times, *sizes]


def _type(
    command: list[str],
    project: str,
    path: str,
    text: str,
    seconds: float,
    variables: dict[str, str],
    probe: bool,
) -> dict:
    client = Client(command, project, variables)
    try:
        client.initialize(project)
        client.open(path, text)
        lines = text.split("\n")
        line = next(n for n in range(len(lines) // 2, len(lines)) if "change = rate" in lines[n])
        if probe:
            place = 1 + next(n for n, one in enumerate(lines) if one.startswith("        norm = stage("))
            uri, version, sent = client.insert(path, place, 0, PROBE)
            client.diagnostics(uri, version)
            _wait_for_values(client, uri, place)
        # What a server does once, it does here.
        time.sleep(3)
        sent_at: list[tuple[str, int, float]] = []
        before = client.memory()
        column = len(lines[line])
        start = time.perf_counter()
        count = int(seconds * RATE)
        for number in range(count):
            due = start + number / RATE
            delay = due - time.perf_counter()
            if delay > 0:
                time.sleep(delay)
            # A remark grows to a line's length and goes on as the next one's.
            letter = "  # "[number % 80] if number % 80 < 4 else "\n" if number % 80 == 79 else "x"
            sent_at.append(client.insert(path, line, column, letter))
            line, column = (line + 1, 0) if letter == "\n" else (line, column + 1)
        uri, last, _ = sent_at[-1]
        client.diagnostics(uri, last)
        after = client.memory()
        return {"times": _answers(client, sent_at), "memory": (before, after)}
    finally:
        client.end()


def _wait_for_values(client: Client, uri: str, line: int) -> None:
    """Until the replay gives values: what is typed from then on is typed beside it."""
    start, end = {"line": line, "character": 0}, {"line": line + 1, "character": 0}
    params = {"textDocument": {"uri": uri}, "range": {"start": start, "end": end}}
    limit = time.perf_counter() + 300
    while time.perf_counter() < limit:
        values, _ = client.request("hindsight/values", params)
        if any(hit["source"] == "replayed" for hit in values["hits"]):
            return
        time.sleep(0.1)
    raise TimeoutError("the replay gives no values")


def _answers(client: Client, edits: list[tuple[str, int, float]]) -> list[float]:
    """For each edit the time until diagnostics of its version, or of a later one, came."""
    published = sorted(
        (version, when) for (_, version), when in client.published.items() if version is not None
    )
    times = []
    index = 0
    for _, version, sent in edits:
        while published[index][0] < version:
            index += 1
        times.append(published[index][1] - sent)
    return times
