"""From the last keystroke to the first value: what a person waits for who asks something new.

Each probe is new to the server, so that none is answered from what was kept; all are answered in one session,
the first of which is cold wherever the server has started nothing ahead.
"""

from __future__ import annotations

import os
import time

from client import Client
from programs import edits
from setting import Setting, folder, middle, run, share, table

#: Where a probe is typed, and what around it tells the two kinds apart.
PLACES = {"at a boundary": "    # outer\n", "in the first batch": "        # inner\n"}


def measure(setting: Setting) -> None:
    count = 3 if setting.quick else 100
    with folder() as project:
        path = os.path.join(project, "train.py")
        text = edits.asked(edits.plain())
        with open(path, "w") as file:
            file.write(text)
        variables = setting.environment(project)
        start = time.perf_counter()
        run([setting.python, "-c", "import torch"], project, variables)
        imports = time.perf_counter() - start
        run([setting.hindsight, "record", "--", setting.python, "train.py", "5"], project, variables)
        rows = []
        for kind, mark in PLACES.items():
            marked = edits.plain()
            line = marked[: marked.index(mark)].replace("        # inner\n", "").count("\n")
            indent = " " * (len(mark) - len(mark.lstrip()))
            times = _times(setting, project, path, text, line, indent, count, variables)
            late = times[1:]
            rows.append(
                [kind, f"{1000 * times[0]:.0f}", f"{1000 * middle(late):.0f}", f"{1000 * share(late, 0.99):.0f}"]
            )
    table(["probe", "first of the session", "later ones: median", "99 %"], rows)
    print(f"\nMilliseconds; {count} later probes of each kind. Importing PyTorch alone: {1000 * imports:.0f} ms.")


def _times(
    setting: Setting,
    project: str,
    path: str,
    text: str,
    line: int,
    indent: str,
    count: int,
    variables: dict[str, str],
) -> list[float]:
    client = Client([setting.hindsight, "lsp", "--log-level", "critical"], project, variables)
    times = []
    try:
        client.initialize(project)
        client.open(path, text)
        # A person reads before typing; whatever a server starts ahead, it starts now.
        time.sleep(1 if setting.quick else 10)
        client.insert(path, line, 0, f'{indent}print("asked", loss.item() + 1)\n')
        column = len(indent) + len('print("asked", loss.item() + 1')
        uri, _, sent = client.insert(path, line, column, "1")
        times.append(_first(client, uri, line) - sent)
        for number in range(count):
            # The last keystroke of the next question.
            uri, _, sent = client.insert(path, line, column, str(1 + number % 9))
            times.append(_first(client, uri, line) - sent)
            column += 1
    finally:
        client.end()
    return times


def _first(client: Client, uri: str, line: int) -> float:
    """When the first value of the probe was there to be seen."""
    start, end = {"line": line, "character": 0}, {"line": line + 1, "character": 0}
    params = {"textDocument": {"uri": uri}, "range": {"start": start, "end": end}}
    limit = time.perf_counter() + 300
    while time.perf_counter() < limit:
        values, _ = client.request("hindsight/values", params)
        if any(hit["source"] == "replayed" for hit in values["hits"]):
            return time.perf_counter()
        time.sleep(0.002)
    raise TimeoutError("a probe has no value after five minutes")
