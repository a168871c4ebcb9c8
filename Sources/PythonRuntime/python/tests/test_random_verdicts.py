"""Random programs through the real executable: whatever it calls exact is what foresight says.

`HINDSIGHT_EXECUTABLE` names it; without it there is nothing to test. `HINDSIGHT_RANDOM_PROGRAMS=1000` runs more
programs; `HINDSIGHT_RANDOM_SEED` starts elsewhere; with `HINDSIGHT_RANDOM_TORCH=1` some use PyTorch. In every second program one of the log statements disturbs:
it is never to be called exact, and the others are to say what they would without it.
"""

from __future__ import annotations

import collections
import json
import os
import re
import shutil
import subprocess
import sys
import unittest
from typing import Any

from . import random_words as words
from . import random_vocabularies
from .random_probes import Edited, Probes
from .random_program import MAIN, Generator
from .recorded_program import HASH_SEED, Project
from .test_random_programs import MOST_ITERATIONS, look_ahead, shown

EXECUTABLE = os.environ.get("HINDSIGHT_EXECUTABLE")
COUNT = int(os.environ.get("HINDSIGHT_RANDOM_PROGRAMS", "6"))
SEED = int(os.environ.get("HINDSIGHT_RANDOM_SEED", "1"))
VOCABULARIES = random_vocabularies.available(bool(os.environ.get("HINDSIGHT_RANDOM_TORCH")))
VERDICTS = ("exact", "provisional", "diverged", "unverifiable")

#: How `hindsight query` says on standard error why values are not exact.
DOUBT = re.compile(r"^\S+:\d+: \d+ values? (?:is|are) (\w+): (.*)$")


@unittest.skipUnless(EXECUTABLE, "HINDSIGHT_EXECUTABLE names no executable")
class RandomVerdicts(unittest.TestCase):
    def test_against_foresight(self) -> None:
        self.verdicts: collections.Counter[str] = collections.Counter()
        self.reasons: collections.Counter[str] = collections.Counter()
        tried, seed = 0, SEED
        while tried < COUNT:
            tried += 1
            with self.subTest(seed=seed):
                tried -= not self.try_program(seed)
            seed += 1
        print(f"{COUNT} programs:", ", ".join(f"{n} {name}" for name, n in self.verdicts.most_common()))
        for reason, count in self.reasons.most_common():
            print(f"{count} × {reason}")
        judged = sum(self.verdicts[verdict] for verdict in VERDICTS)
        self.assertGreater(self.verdicts["exact"], judged / 2)

    def try_program(self, seed: int) -> bool:
        generator = Generator(seed, VOCABULARIES[seed // 2 % len(VOCABULARIES)])
        texts = generator.program()
        edited = Probes(generator, seed).edited(is_disturbing=seed % 2 == 0)
        project = Project(texts)
        project.write("site-packages/entropy.py", words.SOURCE_OF_ENTROPY)
        try:
            foresight = look_ahead(project, edited.undisturbed())
            if foresight["iterations"] > MOST_ITERATIONS:
                return False
            for path, text in texts.items():
                project.write(path, text)
            clear(project)
            plain = project.plain(MAIN)
            clear(project)
            budget = ("--budget", "100") if seed % 3 else ()
            recorded = run(project, "record", *budget, "--", sys.executable, MAIN)
            self.assertEqual((recorded.stdout, recorded.returncode), (plain.stdout, plain.returncode))
            for path, text in edited.texts.items():
                project.write(path, text)
            files = [path for path, lines in edited.added.items() if lines]
            answer = run(project, "query", "--format", "jsonl", *files)
            self.assertEqual(answer.returncode, 0, answer.stderr)
            self.judge([json.loads(line) for line in answer.stdout.splitlines()], foresight["hits"], edited)
            self.count(answer.stderr)
            return True
        finally:
            project.remove()

    def judge(self, answers: list[dict], expected: list[dict], edited: Edited) -> None:
        """Every answer that is called exact is foresight's, and if all are, none is missing and they are in order."""
        truth: dict[Any, list[str]] = collections.defaultdict(list)
        for hit in expected:
            truth[place(hit)].append(hit["text"])
        wrong, believed, given = [], [], collections.Counter[Any]()
        is_complete = True
        for hit in answers:
            hit["iteration"] = [[level["loop"], level["index"], level["value"]] for level in hit["iteration"]]
            is_exact = hit["verdict"] == "exact"
            if hit["line"] in edited.disturbing[hit["file"]]:
                self.verdicts[f"{hit['verdict']} (of a statement that disturbs)"] += 1
                if is_exact:
                    wrong.append(f"disturbing, and called exact: {shown(hit)}")
                continue
            self.verdicts[hit["verdict"]] += 1
            texts, number = truth[place(hit)], given[place(hit)]
            given[place(hit)] += 1
            is_complete &= is_exact
            if is_exact:
                believed.append(shown(hit))
                if texts[number : number + 1] != [hit["text"]]:
                    wrong.append(f"called exact: {shown(hit)}; foresight: {texts[number : number + 1]}")
        self.assertEqual(wrong, [])
        if is_complete:
            self.assertEqual(believed, [shown(hit) for hit in expected])

    def count(self, errors: str) -> None:
        for line in errors.splitlines():
            found = DOUBT.match(line)
            if found:
                # Alike but for numbers and for what the programs call their things.
                reason = re.sub(r"\d+", "N", re.sub(r"`[^`]*`", "`…`", found[2]))
                self.reasons[f"{found[1]}: {reason}"] += 1


def clear(project: Project) -> None:
    """What the last run wrote is not there when the next one starts."""
    shutil.rmtree(os.path.join(project.root, "out"), ignore_errors=True)


def place(hit: dict) -> Any:
    return hit["file"], hit["line"], repr(hit["iteration"])


def run(project: Project, *arguments: str) -> subprocess.CompletedProcess:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("HINDSIGHT_", "PYTHONPATH"))}
    own = {"PYTHONHASHSEED": HASH_SEED, "XDG_STATE_HOME": os.path.join(project.root, ".state")}
    return subprocess.run(
        [EXECUTABLE or "", *arguments],
        cwd=project.root,
        env={**environment, **own},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        timeout=600,
    )


if __name__ == "__main__":
    unittest.main()
