"""From the last keystroke to the first value in a notification: what a person waits for who asks something new.

Each probe is new to the server, so that none is answered from what was kept; all are answered in one session.
Once the server may start a worker ahead and once it may not.
"""

from __future__ import annotations

import os
import shutil
import time

from client import Client
from setting import ROOT, Setting, folder, middle, run, share, table

PROGRAM = os.path.join(ROOT, "Tests", "Programs", "digits_cnn", "train.py")

#: Behind which statement a probe is typed.
PLACES = {
    "at a boundary": "    for epoch in range(1, args.epochs + 1):\n",
    "in the first batch": "        loss.backward()\n",
}


def measure(setting: Setting) -> None:
    counts = {"onOpen": 5 if setting.quick else 100, "never": 1 if setting.quick else 5}
    with folder() as project:
        path = os.path.join(project, "train.py")
        shutil.copy(PROGRAM, path)
        variables = setting.environment(project)
        start = time.perf_counter()
        run([setting.python, "-c", "import torch, sklearn.datasets"], project, variables)
        imports = time.perf_counter() - start
        run([setting.hindsight, "record", "--", setting.python, "train.py"], project, variables)
        rows = []
        for policy, count in counts.items():
            for kind, statement in PLACES.items():
                times = [
                    1000 * seconds
                    for seconds in _times(setting, project, path, statement, count, policy, variables)
                ]
                figures = [middle(times), share(times, 0.99), max(times)]
                rows.append([kind, policy, len(times), *(f"{figure:.0f}" for figure in figures)])
    table(["probe", "standing worker", "probes", "median", "99 %", "longest"], rows)
    print(f"\nMilliseconds. Importing what the program imports, alone: {1000 * imports:.0f}.")


def _times(
    setting: Setting,
    project: str,
    path: str,
    statement: str,
    count: int,
    policy: str,
    variables: dict[str, str],
) -> list[float]:
    with open(path) as file:
        text = file.read()
    line = text[: text.index(statement)].count("\n") + 1
    indent = text.splitlines()[line]
    indent = indent[: len(indent) - len(indent.lstrip())]
    options = {"standingWorker": policy}
    client = Client([setting.hindsight, "lsp", "--log-level", "critical"], project, variables)
    times = []
    try:
        client.initialize(project, options)
        client.open(path, text)
        # The first one waits for whatever the server starts ahead, and is not counted.
        for number in range(count + 1):
            # The last keystroke closes the statement: until then it did not parse.
            typed = f'{indent}print("asked", {number}, epoch'
            client.insert(path, line, 0, typed + "\n")
            time.sleep(0.3)
            uri, version, sent = client.insert(path, line, len(typed), ")")
            times.append(client.value(uri, version, line, f"asked {number}") - sent)
            client.remove(path, line)
            time.sleep(0.3)
    finally:
        client.end()
    return times[1:]
