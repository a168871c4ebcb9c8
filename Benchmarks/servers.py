"""Language servers side by side: one client, one file of 500 lines, 200 edits of one character."""

from __future__ import annotations

import os
import sys

from client import Client
from setting import Setting, environment, folder, middle, run, share, table
from sources import source

RUFF = "ruff==0.17.5"
PYREFLY = "pyrefly==1.4.1"


def servers(setting: Setting) -> dict[str, list[str]]:
    ruff = environment("ruff", [RUFF])
    pyrefly = environment("pyrefly", [PYREFLY])
    return {
        "nothing (floor)": [sys.executable, os.path.join(os.path.dirname(__file__), "nullserver.py")],
        "hindsight": [setting.hindsight, "lsp", "--log-level", "critical"],
        RUFF.replace("==", " "): [os.path.join(os.path.dirname(ruff), "ruff"), "server"],
        PYREFLY.replace("==", " "): [os.path.join(os.path.dirname(pyrefly), "pyrefly"), "lsp"],
    }


def measure(setting: Setting) -> None:
    rounds = 1 if setting.quick else 5
    text = source(500)
    rows = []
    with folder() as project:
        path = os.path.join(project, "train.py")
        with open(path, "w") as file:
            file.write(text)
        variables = setting.environment(project)
        run([setting.hindsight, "record", "--", setting.python, "train.py"], project, variables)
        for name, command in servers(setting).items():
            rows.append([name, *_figures(command, project, path, text, rounds, variables)])
    table(
        ["server", "start → initialized", "open → diagnostics", "edit → diagnostics: median", "99 %"]
        + ["hover: median", "99 %", "memory", "with its processes"],
        rows,
    )
    print("\nMilliseconds and megabytes; medians of", rounds, "sessions, edits of all of them together.")


def _figures(
    command: list[str], project: str, path: str, text: str, rounds: int, variables: dict[str, str]
) -> list[str]:
    starts, opens, edits, hovers = [], [], [], []
    memory = (0.0, 0.0)
    lines = text.split("\n")
    line = next(n for n in range(len(lines) // 2, len(lines)) if "change = rate" in lines[n])
    for _ in range(rounds):
        client = Client(command, project, variables)
        try:
            starts.append(client.initialize(project))
            opens.append(client.open(path, text))
            client.hover(path, line, 9)
            # A name grows letter by letter: the text is a program after each of them.
            column = lines[line].index("change") + len("change")
            for number in range(200):
                uri, version, sent = client.insert(path, line, column + number, "x")
                edits.append(client.diagnostics(uri, version) - sent)
            hovers += [client.hover(path, line, 9) for _ in range(50)]
            memory = client.memory()
        finally:
            client.end()
    times = [middle(starts), middle(opens), middle(edits), share(edits, 0.99)]
    times += [middle(hovers), share(hovers, 0.99)]
    return [f"{1000 * seconds:.2f}" for seconds in times] + [f"{size:.0f}" for size in memory]
