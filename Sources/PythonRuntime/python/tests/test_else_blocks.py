"""Loops with `else` blocks can be skipped: the replay takes the block where the run took it."""

from __future__ import annotations

import textwrap
import unittest

from .recorded_program import Project, Recording, texts

#: The lines of the two loops below.
FOR, WHILE = "7", "22"

#: Each loop ends by itself in some epochs and by `break` in the others.
PROGRAM = """
    import random, time
    random.seed(4)

    def search(goal):
        found = None
        for step in range(6):
            time.sleep(0.01)
            found = random.random()
            if found > goal:
                print("found", step)
                break
        else:
            print("not found", step, found)
            for rest in range(2):
                time.sleep(0.005)
                found += 1
        return found

    def wait(limit):
        n = 0
        while n < 5:
            time.sleep(0.01)
            n += 1
            if n == limit:
                break
        else:
            n = -n
            print("waited", n)
        return n

    for epoch in range(8):
        result = search(0.8), wait(epoch), random.random()
        print("epoch", epoch, result)
    """


class ElseTests(unittest.TestCase):
    def recorded(self, project: Project) -> Recording:
        """A recording with checkpoints behind both ways out; on a busy machine there may be few of them."""
        for _ in range(6):
            recording = project.record("train.py", budget=1000)
            self.assertEqual(recording.result.returncode, 0, recording.result.stderr)
            skipped = self.skipped(recording)
            if 0 < self.found(recording, skipped) < len(skipped) and self.exits(recording, WHILE):
                return recording
        self.fail("no recording has checkpoints behind both ways out of a loop")

    @staticmethod
    def exits(recording: Recording, line: str) -> list:
        found = [c for c in recording.of("checkpoint") if c["kind"] == "exit"]
        return [c for c in found if c["at"][-1][0].split(":")[1] == line]

    def skipped(self, recording: Recording) -> set:
        """The epochs whose search a replay can skip."""
        return {c["at"][0][2] for c in self.exits(recording, FOR)}

    @staticmethod
    def found(recording: Recording, skipped: set) -> int:
        """How many of these searches had been left by `break`."""
        count, epoch = 0, 0
        for message in recording.of("log"):
            if message["text"].startswith("epoch"):
                epoch += 1
            elif message["text"].startswith("found"):
                count += epoch in skipped
        return count

    def test_skipped(self) -> None:
        project = Project({"train.py": PROGRAM})
        self.addCleanup(project.remove)
        recording = self.recorded(project)
        self.assertEqual(recording.result.stdout, project.plain("train.py").stdout)
        logged = [m["text"] for m in recording.of("log")]
        self.assertEqual(sum(text.startswith("found") for text in logged), 5)
        self.assertEqual(sum(text.startswith("waited") for text in logged), 3)

        edited = PROGRAM.replace('print("epoch"', 'print("probe", *result); print("epoch"')
        edited = edited.replace(
            "        return found", '        print("probe at", found)\n        return found'
        )
        exits = [*self.exits(recording, FOR), *self.exits(recording, WHILE)]
        jumps = [
            {"at": [*c["at"][:-1], [*c["at"][-1][:2], 0]], "to": None, "checkpoint": c["n"]}
            for c in exits
        ]
        answer = recording.replay({"train.py": edited}, jumps=jumps)
        self.assertEqual(len([m for m in answer if m["t"] == "jump"]), len(jumps))
        self.assertEqual(answer[-1]["status"], "finished")

        project.write("edited.py", edited)
        foresight = [x for x in project.plain("edited.py").stdout.splitlines() if x.startswith("probe")]
        self.assertEqual(texts(answer), foresight)
        # What stands in the `else` blocks is executed, what stands in the skipped loops is not.
        again = [m["text"] for m in answer if m["t"] == "log"]
        for words in ("waited", "not found"):
            self.assertEqual(
                [t for t in again if t.startswith(words)], [t for t in logged if t.startswith(words)]
            )
        found = self.found(recording, self.skipped(recording))
        self.assertEqual(len([t for t in again if t.startswith("found")]), 5 - found)

    def test_tracebacks_and_values_are_python_s(self) -> None:
        source = """
            def first(items):
                for item in items:
                    if item > 2:
                        break
                else:
                    item = None
                return item

            while False:
                pass
            else:
                print("at once")
            print(first([1, 2, 3]), first([]), first([1]))
            for item in "ab":
                continue
            else:
                try:
                    raise ValueError(item)
                finally:
                    print("last")
            """
        project = Project({"train.py": textwrap.dedent(source)})
        self.addCleanup(project.remove)
        plain, recorded = project.plain("train.py"), project.record("train.py").result
        self.assertEqual((recorded.stdout, recorded.stderr), (plain.stdout, plain.stderr))
        self.assertIn("ValueError: b", recorded.stderr)


if __name__ == "__main__":
    unittest.main()
