"""Which probes stand on their own, and what each needs."""

from __future__ import annotations

import ast
import textwrap
import unittest

from hindsight_runtime.analysis.groups import Group, groups
from hindsight_runtime.analysis.moves import match_file
from hindsight_runtime.analysis.recorded import RecordedProgram
from hindsight_runtime.analysis.source import Source
from hindsight_runtime.analysis.splice import splice_program

from .recorded_program import Project, texts

PROGRAM = """
    def train(model, data):
        for epoch in range(3):
            for x in data:
                loss = model(x)
                loss.backward()
            print("epoch", epoch)

    train(None, [])
    """


def edited(*lines: str, after: str = "loss.backward()") -> str:
    """The program with lines put in after one of its own, indented like that one."""
    result = []
    for line in textwrap.dedent(PROGRAM).splitlines():
        result.append(line)
        if line.strip() == after:
            indent = line[: len(line) - len(line.lstrip())]
            result += [indent + added for added in lines]
    return "\n".join(result) + "\n"


class Groups(unittest.TestCase):
    def groups(self, text: str) -> list[Group]:
        program = RecordedProgram([("train.py", textwrap.dedent(PROGRAM))])
        return groups(program, [match_file(program, "train.py", Source.edited("train.py", text))])

    def lines(self, text: str) -> list[list[str]]:
        """The statements of each group."""

        return [[ast.unparse(a.node) for a in group.additions] for group in self.groups(text)]

    def test_unrelated_probes_are_apart(self) -> None:
        text = edited("print('a', loss)", "print('b', x)", "#? loss")
        self.assertEqual([len(group.probes) for group in self.groups(text)], [1, 1, 1])

    def test_what_is_bound_for_a_probe_belongs_to_it(self) -> None:
        text = edited("import math", "n = math.sqrt(loss)", "print('n', n)", "k = 2", "print('k', k)")
        self.assertEqual(
            self.lines(text),
            [["import math", "n = math.sqrt(loss)", "print('n', n)"], ["k = 2", "print('k', k)"]],
        )

    def test_attributes_that_are_set_bind_too(self) -> None:
        text = edited("model.seen = loss", "print('s', model.seen)", "print('l', loss)")
        self.assertEqual(
            self.lines(text), [["model.seen = loss", "print('s', model.seen)"], ["print('l', loss)"]]
        )

    def test_what_is_done_for_its_effect_belongs_to_what_it_is_about(self) -> None:
        text = edited("x.eval()", "print('x', x)").replace(
            'print("epoch", epoch)', 'print("epoch", epoch)\n        print("n", epoch)'
        )
        self.assertEqual(self.lines(text), [["x.eval()", "print('x', x)"], ["print('n', epoch)"]])

    def test_what_is_done_for_its_effect_belongs_to_all_beside_it(self) -> None:
        text = edited("loss.zero_()", "print('l', loss)", "print('x', x)", "import math", "y = 1")
        self.assertEqual(
            self.lines(text), [["loss.zero_()", "print('l', loss)"], ["loss.zero_()", "print('x', x)"]]
        )

    def test_keys_follow_the_statement_not_the_lines(self) -> None:
        (one,) = self.groups(edited("print('a',  loss)"))
        first, second = self.groups("# moved\n\n" + edited("print('a', loss)", "print('b', x)"))
        self.assertEqual(one.key, first.key)
        self.assertNotEqual(first.key, second.key)
        (elsewhere,) = self.groups(edited("print('a', loss)", after="loss = model(x)"))
        self.assertNotEqual(one.key, elsewhere.key)
        (once,) = self.groups(edited("n = loss", "print('n', n)"))
        (twice,) = self.groups(edited("n = 2 * loss", "print('n', n)"))
        self.assertNotEqual(once.key, twice.key)

    def test_keys_do_not_follow_the_order_of_the_files(self) -> None:
        recorded = {"train.py": textwrap.dedent(PROGRAM), "more.py": "import math\n"}
        program = RecordedProgram(list(recorded.items()))
        texts = {
            "train.py": "from more import twice\n" + edited("print('two', twice(loss))"),
            "more.py": "import math\ndef twice(x):\n    return 2 * x\n",
        }
        matches = [match_file(program, path, Source.edited(path, text)) for path, text in texts.items()]
        keys = [[group.key for group in groups(program, order)] for order in (matches, matches[::-1])]
        self.assertEqual([1, 1], list(map(len, keys)))
        self.assertEqual(*keys)

    def test_plain_statements_of_one_block_share_it(self) -> None:
        text = edited("print('a', loss)", "print('b', x)", "if x:", "    print('c', x)")
        blocks = [group.block for group in self.groups(text)]
        self.assertIsNotNone(blocks[0])
        self.assertEqual(blocks[0], blocks[1])
        self.assertIsNone(blocks[2])

    def test_only_what_was_asked_for_is_put_in(self) -> None:
        text = edited("n = loss", "print('n', n)", "print('x', x)")
        recorded = textwrap.dedent(PROGRAM)
        keys = [group.key for group in self.groups(text)]
        for keep, probes in ((keys, [2, 3]), (keys[:1], [2]), (keys[1:], [3]), ([], [])):
            spliced = splice_program([("train.py", recorded, text)], keep)
            lines = [probe.line - 6 for probe in spliced["train.py"].probes]
            self.assertEqual(lines, probes)


NESTED = """
    import functools
    from helpers import scaled as again

    class Model:
        def __init__(self):
            self.w = 1.0

        @property
        def size(self):
            return self.w

        def forward(self, x):
            return again(x) * self.w

        def __getitem__(self, i):
            return self.w + i

    def norm(x):
        return x * x

    def outer(x):
        return norm(x) + 1

    model = Model()
    for step in range(3):
        y = model.forward(step)
    """
HELPERS = """
    def scaled(x):
        return 2 * x
    """


class Nested(unittest.TestCase):
    def groups(self, probe: str, after: str) -> int:
        """How many there are of a probe in the loop and one behind a line of another function."""
        texts = {"train.py": textwrap.dedent(NESTED), "helpers.py": textwrap.dedent(HELPERS)}
        program = RecordedProgram(list(texts.items()))
        matches = []
        for path, text in texts.items():
            lines = []
            for line in text.splitlines():
                if line.strip() == after:
                    lines.append(line[: len(line) - len(line.lstrip())] + "print('inner')")
                lines.append(line)
                if line.strip() == "y = model.forward(step)":
                    lines.append(f"    {probe}")
            matches.append(match_file(program, path, Source.edited(path, "\n".join(lines) + "\n")))
        found = groups(program, matches)
        self.assertEqual(sum(len(group.probes) for group in found), 2)
        self.assertEqual(sum(len(group.additions) for group in found), 2)
        return len(found)

    def test_a_probe_and_what_it_calls_are_together(self) -> None:
        for probe, after in (
            ("print(norm(step))", "return x * x"),
            ("print(outer(step))", "return x * x"),
            ("print(list(map(norm, [1])))", "return x * x"),
            ("print(model.forward(1))", "return again(x) * self.w"),
            ("print(model.forward(1))", "return 2 * x"),
            ("print(again(1))", "return 2 * x"),
            ("print(model.size)", "return self.w"),
            ("print(Model())", "self.w = 1.0"),
            ("print(model[0])", "return self.w + i"),
        ):
            with self.subTest(probe, after=after):
                self.assertEqual(self.groups(probe, after), 1)

    def test_others_are_apart(self) -> None:
        for probe, after in (
            ("print(step, y)", "return x * x"),
            ("print(y.item(), abs(y))", "return again(x) * self.w"),
            ("print(norm(step))", "return 2 * x"),
            ("print(y.item())", "return self.w + i"),
        ):
            with self.subTest(probe, after=after):
                self.assertEqual(self.groups(probe, after), 2)


class Replaying(unittest.TestCase):
    def test_a_worker_runs_the_groups_that_it_is_told(self) -> None:
        program = "total = 0\nfor i in range(3):\n    total += i\nprint(total)\n"
        project = Project({"train.py": program})
        self.addCleanup(project.remove)
        recording = project.record("train.py")
        text = program.replace("total += i\n", "total += i\n    print('a', total)\n    print('b', i)\n")
        recorded = RecordedProgram([("train.py", program)])
        match = match_file(recorded, "train.py", Source.edited("train.py", text))
        first, second = groups(recorded, [match])
        self.assertEqual(
            texts(recording.replay({"train.py": text}, groups=[second.key])), ["b 0", "b 1", "b 2"]
        )
        self.assertEqual(
            len(texts(recording.replay({"train.py": text}, groups=[first.key, second.key]))), 6
        )


if __name__ == "__main__":
    unittest.main()
