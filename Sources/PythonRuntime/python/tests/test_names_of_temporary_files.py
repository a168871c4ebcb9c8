"""The names that `tempfile` makes up are those of the run, from its start and behind a jump."""

from __future__ import annotations

import os
import shutil
import unittest

from .recorded_program import Project, texts
from .test_replaying import with_probe

PROGRAM = """
    import tempfile
    import time

    first = tempfile.mktemp()
    names = []
    for epoch in range(5):
        time.sleep(0.03)
        names.append(tempfile.mktemp())
    print(first, *names)
    """


class NamesOfTemporaryFiles(unittest.TestCase):
    def test_a_replay_draws_the_same_names(self) -> None:
        project = Project({"train.py": PROGRAM})
        self.addCleanup(project.remove)
        recording = project.record("train.py", budget=1.0)
        edited = with_probe(PROGRAM, "names.append", 'print("name", names[-1], first)')
        first, *names = recording.result.stdout.split()
        truth = [f"name {name} {first}" for name in names]
        self.assertEqual(texts(recording.replay({"train.py": edited}, checks="all")), truth)
        point = next(
            c for c in recording.of("checkpoint") if c["kind"] == "boundary" and c["at"][0][2] > 1
        )
        index = point["at"][0][2]
        jump = {"at": [[*point["at"][0][:2], 0]], "to": index, "checkpoint": point["n"]}
        messages = recording.replay({"train.py": edited}, jumps=[jump], checks="all")
        self.assertEqual(texts(messages), truth[index:])
        self.assertEqual(
            [m["difference"] for m in messages if m["t"] == "check" and m["difference"]], []
        )

    def test_what_the_run_left_is_not_in_the_way(self) -> None:
        source = """
            import os, tempfile, time

            folder = tempfile.mkdtemp(prefix="hindsight-left-")
            for epoch in range(3):
                descriptor, name = tempfile.mkstemp(suffix=".txt")
                os.close(descriptor)
                open(os.path.join(folder, str(epoch)), "w").close()
                print(folder, name)
            """
        project = Project({"train.py": source})
        self.addCleanup(project.remove)
        recording = project.record("train.py")
        made = [line.split() for line in recording.result.stdout.splitlines()]
        self.addCleanup(shutil.rmtree, made[0][0], True)
        for _, name in made:
            self.addCleanup(lambda name=name: os.path.exists(name) and os.unlink(name))
        edited = with_probe(
            source, "open(os", 'print("probe", folder, name, sorted(os.listdir(folder)))'
        )
        answer = texts(recording.replay({"train.py": edited}))
        listings = (["0"], ["0", "1"], ["0", "1", "2"])
        truth = [f"probe {folder} {name} {there}" for (folder, name), there in zip(made, listings)]
        self.assertEqual(answer, truth)


if __name__ == "__main__":
    unittest.main()
