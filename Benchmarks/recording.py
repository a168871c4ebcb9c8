"""What recording costs, and what a question costs afterwards: against running the program again with the
statement in it, and against FlorDB 4.0.1 and pyflor 2.5.6.

Every answer is compared, to the bit, with what the program prints that had the statement from the start.
"""

from __future__ import annotations

import contextlib
import glob
import json
import os
import re
import sqlite3
import time
from typing import Callable, Optional

from programs import edits
from setting import Setting, folder, packages, ratio, run, spread, table

FLORDB = "flordb==4.0.1"
#: It names not all that it needs.
PYFLOR = ("pyflor==2.5.6", "apted", "astunparse", "bidict<0.22", "setuptools<81", "pandas<2.4")

#: Floats as they are, to compare them.
_WRITTEN = 'print("{name}", ({value}).hex())'


class Question:
    def __init__(
        self, title: str, name: str, value: str, place: str, epoch: Optional[int] = None
    ) -> None:
        self.title = title
        self.name = name
        self.value = value
        self.place = place
        self.epoch = epoch


QUESTIONS = [
    Question("outside the inner loop, all epochs", "wnorm", edits.OUTER, "outer"),
    Question("inside it, all steps", "gnorm", edits.INNER, "inner"),
    Question("inside it, epoch 5", "gnorm", edits.INNER, "inner", epoch=5),
]


def measure(setting: Setting) -> None:
    rounds = 1 if setting.quick else 5
    arms = _arms(setting)
    recorded: dict[str, list[float]] = {name: [] for name in arms}
    # In turns, so that a machine that gets slower gets slower for all.
    for _ in range(rounds):
        for name, arm in arms.items():
            with folder() as project:
                recorded[name].append(_timed(arm.prepare(project).record))
    base = recorded["plain"]
    table(
        ["recording", "seconds: median (range)", "against plain"],
        [
            [name, spread(times), ratio(_middle(times), _middle(base))]
            for name, times in recorded.items()
        ],
    )
    print()
    questions = QUESTIONS[:1] if setting.quick else QUESTIONS
    for question in questions:
        rows = []
        truth = _truth(setting, question)
        base_time = 0.0
        for name, arm in arms.items():
            with folder() as project:
                times, values = [], []
                ready = arm.prepare(project)
                ready.record()
                for number in range(1 if setting.quick else 3):
                    answer = ready.ask(question, number)
                    times.append(answer[0])
                    values = answer[1]
                if name == "plain":
                    base_time = _middle(times)
                right = sum(a == b for a, b in zip(values, truth))
                rows.append(
                    [name, spread(times), ratio(_middle(times), base_time), f"{right} of {len(truth)}"]
                )
        print(f"{question.title}:\n")
        table(["asked of", "seconds: median (range)", "against plain again", "right to the bit"], rows)
        print()
    print(f"{rounds} recordings each, one thread, the same allocator settings on every arm.")


def _middle(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


def _timed(body: Callable[[], object]) -> float:
    start = time.perf_counter()
    body()
    return time.perf_counter() - start


def _truth(setting: Setting, question: Question) -> list[str]:
    with folder() as project:
        arm = Plain(setting).prepare(project)
        return arm.ask(question, 0)[1]


class Arm:
    """A recorder in a project's folder."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting

    def prepare(self, project: str) -> Arm:
        self.project = project
        self.variables = self.setting.environment(project)
        self.write(self.program())
        return self

    def write(self, text: str) -> None:
        with open(os.path.join(self.project, "train.py"), "w") as file:
            file.write(text)

    def program(self) -> str:
        return edits.asked(edits.plain())

    def record(self) -> None:
        raise NotImplementedError

    def ask(self, question: Question, number: int) -> tuple[float, list[str]]:
        """Seconds, and the values as hexadecimal floats."""
        raise NotImplementedError

    def run(self, *command: str, text: str = "", **variables: str) -> str:
        return run(command, self.project, {**self.variables, **variables}, text)


class Plain(Arm):
    """The program itself; asked by running it again with the statement in it."""

    def record(self) -> None:
        self.run(self.setting.python, "train.py")

    def ask(self, question: Question, number: int) -> tuple[float, list[str]]:
        statement = _WRITTEN.format(name=question.name, value=question.value)
        if question.epoch is not None:
            statement = f"if epoch == {question.epoch}: {statement}"
        self.write(edits.asked(edits.plain(), **{question.place: statement}))
        start = time.perf_counter()
        output = self.run(self.setting.python, "train.py")
        seconds = time.perf_counter() - start
        return seconds, re.findall(rf"^{question.name} (\S+)$", output, re.MULTILINE)


class Hindsight(Arm):
    def record(self) -> None:
        self.run(self.setting.hindsight, "record", "--", self.setting.python, "train.py")

    def ask(self, question: Question, number: int) -> tuple[float, list[str]]:
        # A remark in the text makes it another statement each time: nothing is answered from what was kept.
        statement = _WRITTEN.format(name=f"{question.name}", value=f"{question.value} + 0.0 * {number}")
        self.write(edits.asked(edits.plain(), **{question.place: statement}))
        command = [self.setting.hindsight, "query", "--format", "jsonl", "train.py"]
        if question.epoch is not None:
            command += ["--iterations", f"epoch={question.epoch}"]
        start = time.perf_counter()
        output = self.run(*command)
        seconds = time.perf_counter() - start
        hits = [json.loads(line) for line in output.splitlines()]
        unsure = [hit for hit in hits if not hit["verified"]]
        if unsure:
            print(f"({len(unsure)} of {len(hits)} values not exact: {unsure[0]['verdict']})")
        return seconds, [hit["text"].split()[1] for hit in hits]


class Peer(Arm):
    """A recorder that lives in a git repository and answers into a table."""

    packages: tuple[str, ...] = ()
    branch = "main"

    def prepare(self, project: str) -> Arm:
        os.rmdir(os.path.join(project, ".git"))
        name = self.packages[0].partition("=")[0]
        path = packages(self.setting.python, name, *self.packages)
        super().prepare(project)
        self.variables["PYTHONPATH"] = path
        # It starts `python` by that name.
        self.variables["PATH"] = os.path.dirname(self.setting.python) + ":" + self.variables["PATH"]
        for key in ("AUTHOR", "COMMITTER"):
            self.variables[f"GIT_{key}_NAME"] = self.variables[f"GIT_{key}_EMAIL"] = "benchmark"
        with open(os.path.join(project, ".gitignore"), "w") as file:
            file.write(".cache/\n.config/\n.local/\n")
        self.run("git", "init", "-q", "-b", self.branch)
        self.commit()
        return self

    def commit(self) -> None:
        self.run("git", "add", "-A")
        self.run("git", "commit", "-q", "--allow-empty", "-m", "a state")


class FlorDB(Peer):
    packages = (FLORDB,)

    def program(self) -> str:
        return edits.asked(edits.flordb())

    def record(self) -> None:
        self.run(self.setting.python, "train.py")

    def ask(self, question: Question, number: int) -> tuple[float, list[str]]:
        name = f"{question.name}{number}"
        statement = f'flor.log("{name}", {question.value})'
        self.write(edits.asked(edits.flordb(), **{question.place: statement}))
        command = [self.setting.python, "-m", "flordb", "replay", "--apply", name]
        if question.place == "inner":
            epochs = "all" if question.epoch is None else str(question.epoch)
            command += ["--iter", f"epoch={epochs}", "--iter", "step=all"]
        start = time.perf_counter()
        self.run(*command, text="y\n")
        seconds = time.perf_counter() - start
        (database,) = glob.glob(os.path.join(self.project, ".flor", "*.db"))
        with contextlib.closing(sqlite3.connect(database)) as answers:
            rows = answers.execute("SELECT value FROM logs WHERE value_name = ? ORDER BY rowid", [name])
            return seconds, [float(value).hex() for (value,) in rows]


class PyFlor(Peer):
    packages = PYFLOR
    branch = "flor.shadow"

    def program(self) -> str:
        return edits.asked(edits.pyflor())

    def record(self) -> None:
        self.run(self.setting.python, "train.py", "--flor", "bench")

    def ask(self, question: Question, number: int) -> tuple[float, list[str]]:
        name = f"{question.name}{number}"
        statement = f'print("{name}", flor.log("{name}", {question.value}).hex())'
        self.write(edits.asked(edits.pyflor(), **{question.place: statement}))
        command = [self.setting.python, "train.py", "--replay_flor"]
        variables = {"PROBED": "1"} if question.place == "inner" else {}
        if question.epoch is not None:
            command += ["weak", f"{question.epoch + 1}/20"]
        start = time.perf_counter()
        output = self.run(*command, **variables)
        seconds = time.perf_counter() - start
        return seconds, re.findall(rf"{name} (-?0x\S+)", output)


def _arms(setting: Setting) -> dict[str, Arm]:
    return {
        "plain": Plain(setting),
        "hindsight": Hindsight(setting),
        "FlorDB 4.0.1": FlorDB(setting),
        "pyflor 2.5.6": PyFlor(setting),
    }
