"""What whole answers take while a worker stands ready: an outer and an inner question, one worker against two, and
how soon a cancelled replay is gone.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from typing import Optional

from client import Client
from programs import edits
from setting import Setting, folder, middle, ratio, run, spread, table

#: Tells on standard error how long the loop took.
_TIMED = """
import sys, time
_began = time.perf_counter()
{loop}
print("loop", time.perf_counter() - _began, file=sys.stderr)
"""


def measure(setting: Setting) -> None:
    rounds = 2 if setting.quick else 7
    with folder() as project:
        variables = setting.environment(project)
        text = _record(setting, project, variables, epochs=20)
        inner = edits.asked(edits.plain(), inner=_statement("inner", 0))
        outer = _answers(setting, project, variables, text, "outer", rounds, {})
        asked: list[float] = []
        epoch: list[float] = []
        # In turns: the machine may get slower meanwhile.
        for number in range(rounds):
            asked += _answers(
                setting, project, variables, text, "inner", 1, {"iterations": "epoch=5"}, number
            )
            epoch.append(_loop_seconds(setting, project, variables, inner, epochs=4) / 4)
        rows = [
            ["outside the inner loop, all epochs", spread(outer), "–"],
            ["inside it, epoch 5", spread(asked), f"{middle(asked) - middle(epoch):+.2f}"],
        ]
        table(["asked", "seconds: median (range)", "beside one epoch with the statement"], rows)
        print(
            f"\nOne epoch with the inner statement takes {spread(epoch)} s, in turns with the questions. From the "
            "last keystroke on.\n"
        )
    _together(setting)
    print()
    _cancelled(setting)


def _together(setting: Setting) -> None:
    """Two workers against one, and two copies of the program against one, in turns."""
    epochs = 10 if setting.quick else 60
    rounds = 1 if setting.quick else 3
    times: dict[str, list[float]] = {"one worker": [], "two workers": [], "one copy": [], "two copies": []}
    with folder() as project:
        variables = setting.environment(project)
        text = _record(setting, project, variables, epochs)
        inner = edits.asked(edits.plain(), inner=_statement("inner", 0))
        for number in range(rounds):
            for workers, name in enumerate(("one worker", "two workers"), 1):
                options = {"workers": workers}
                first = 2 * number + workers
                times[name] += _answers(setting, project, variables, text, "inner", 1, options, first)
            for copies, name in enumerate(("one copy", "two copies"), 1):
                times[name].append(_loop_seconds(setting, project, variables, inner, epochs, copies))
    workers = middle(times["one worker"]) / middle(times["two workers"])
    copies = 2 * middle(times["one copy"]) / middle(times["two copies"])
    table(["all steps", "seconds: median (range)"], [[name, spread(of)] for name, of in times.items()])
    print(
        f"\n{epochs} epochs. Two workers are {workers:.2f} × as fast as one; two copies do {copies:.2f} × as much "
        f"as one in the same time: {ratio(workers, copies)}"
    )


def _cancelled(setting: Setting) -> None:
    rounds = 3 if setting.quick else 20
    rows = []
    for policy in ("onOpen", "never"):
        times = []
        with folder() as project:
            variables = setting.environment(project)
            text = _record(setting, project, variables, epochs=20)
            with _Session(setting, project, variables, text, {"standingWorker": policy}) as session:
                session.settle()
                ready = session.client.processes()
                for number in range(rounds if policy == "onOpen" else max(1, rounds // 5)):
                    session.ask("inner", number)
                    session.first()
                    token = session.token()
                    start = time.perf_counter()
                    session.client.notify("window/workDoneProgress/cancel", {"token": token})
                    while session.client.processes() - ready:
                        pass
                    times.append(1000 * (time.perf_counter() - start))
                    session.take_back()
                    time.sleep(0.3)
        rows.append([policy, str(len(times)), spread(times, 0)])
    table(["standing worker", "cancelled", "milliseconds until every process is gone: median (range)"], rows)


def _record(setting: Setting, project: str, variables: dict[str, str], epochs: int) -> str:
    text = edits.asked(edits.plain())
    with open(os.path.join(project, "train.py"), "w") as file:
        file.write(text)
    run([setting.hindsight, "record", "--", setting.python, "train.py", str(epochs)], project, variables)
    return text


def _statement(place: str, number: int) -> str:
    """New to the server, so that it is not answered from what was kept."""
    value = edits.INNER if place == "inner" else edits.OUTER
    return f'print("asked {number}", {value})'


def _loop_seconds(
    setting: Setting,
    project: str,
    variables: dict[str, str],
    text: str,
    epochs: int,
    copies: int = 1,
) -> float:
    """What the program's loop takes, where so many of it run side by side: the longest."""
    head, loop = text.split("for epoch in range(EPOCHS):", 1)
    path = os.path.join(project, "timed.py")
    with open(path, "w") as file:
        file.write(head + _TIMED.format(loop="for epoch in range(EPOCHS):" + loop))
    command = [setting.python, path, str(epochs)]
    running = [
        subprocess.Popen(
            command, cwd=project, env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        for _ in range(copies)
    ]
    return max(float(re.findall(r"loop (\S+)", one.communicate()[1])[0]) for one in running)


def _answers(
    setting: Setting,
    project: str,
    variables: dict[str, str],
    text: str,
    place: str,
    rounds: int,
    options: dict[str, object],
    first: int = 0,
) -> list[float]:
    """Seconds from the last keystroke to the whole answer, of new statements one after the other."""
    times = []
    with _Session(setting, project, variables, text, options) as session:
        session.settle()
        # The first one waits for whatever the server starts ahead, and is not counted.
        session.ask("outer", 1000 + first)
        session.whole()
        session.take_back()
        for number in range(first, first + rounds):
            session.ask(place, number)
            times.append(session.whole())
            session.take_back()
            time.sleep(0.3)
    return times


class _Session:
    """An editor with the program open, in which one statement at a time is typed."""

    def __init__(
        self,
        setting: Setting,
        project: str,
        variables: dict[str, str],
        text: str,
        options: dict[str, object],
    ) -> None:
        self.path = os.path.join(project, "train.py")
        self.text = text
        self.uri = "file://" + self.path
        self.client = Client([setting.hindsight, "lsp", "--log-level", "critical"], project, variables)
        self.client.initialize(project, dict(options))
        self.client.open(self.path, text)
        self.line: Optional[int] = None
        self.sent = 0.0
        self.seen = 0

    def __enter__(self) -> _Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.end()

    def settle(self) -> None:
        """A worker is started when a source is opened; until it stands, imports take the processor."""
        time.sleep(6)

    def ask(self, place: str, number: int) -> None:
        statement = _statement(place, number)
        anchor = "        loss.backward()\n" if place == "inner" else '    print("epoch"'
        self.line = self.text[: self.text.index(anchor)].count("\n") + 1
        indent = "        " if place == "inner" else "    "
        # The last keystroke closes the statement: until then it did not parse.
        typed = indent + statement[:-1]
        self.client.insert(self.path, self.line, 0, typed + "\n")
        time.sleep(0.3)
        _, _, self.sent = self.client.insert(self.path, self.line, len(typed), statement[-1])

    def whole(self) -> float:
        """Seconds from the last keystroke until every value is there."""
        while True:
            answer, _ = self.client.request("hindsight/values", {"textDocument": {"uri": self.uri}})
            if answer["complete"] and any(hit["source"] == "replayed" for hit in answer["hits"]):
                return time.perf_counter() - self.sent
            # To read many values takes the processor from who makes more of them.
            time.sleep(max(0.005, (time.perf_counter() - self.sent) / 50))

    def first(self) -> None:
        while True:
            answer, _ = self.client.request("hindsight/values", {"textDocument": {"uri": self.uri}})
            if any(hit["source"] == "replayed" for hit in answer["hits"]):
                return
            time.sleep(0.005)

    def token(self) -> object:
        """Of the replay's progress."""
        self.client.wait(lambda: len(self.client.tokens) > self.seen, "progress")
        self.seen = len(self.client.tokens)
        return self.client.tokens[-1]

    def take_back(self) -> None:
        assert self.line is not None
        self.client.remove(self.path, self.line)
        self.line = None
