"""Comments `#? expression`: where they ask, what they answer, and that the program knows nothing of them."""

from __future__ import annotations

import ast
import textwrap
import unittest
from typing import Optional

from hindsight_runtime.analysis.comments import SHOW
from hindsight_runtime.analysis.expressions import expression_at
from hindsight_runtime.analysis.moves import match_file
from hindsight_runtime.analysis.recorded import RecordedProgram
from hindsight_runtime.analysis.source import Source

from .recorded_program import Project, Recording, texts


class Placing(unittest.TestCase):
    def check(self, written: str, meant: str) -> Source:
        """`meant` is the same program with `show(x)` for each question."""
        source = Source.edited("train.py", textwrap.dedent(written))
        expected = ast.parse(textwrap.dedent(meant))
        for node in ast.walk(expected):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "show":
                node.func.id = SHOW
                node.args.insert(0, ast.Constant(ast.unparse(node.args[0])))
        self.assertEqual(ast.dump(source.tree), ast.dump(expected))
        return source

    def test_on_lines_of_their_own(self) -> None:
        self.check(
            """
            #? first
            for x in y:
                #? x
                #? x + 1
                use(x)
                #? inside

            #? after
            """,
            """
            show(first)
            for x in y:
                show(x)
                show(x + 1)
                use(x)
                show(inside)
            show(after)
            """,
        )

    def test_behind_code(self) -> None:
        self.check(
            """
            loss.backward()  #? loss.item()
            a = f(1,  #? a
                  2); #? b
            if a: b = 1  #? b
            """,
            """
            loss.backward()
            show(loss.item())
            a = f(1, 2)
            show(a)
            show(b)
            if a:
                b = 1
                show(b)
            """,
        )

    def test_behind_headers_and_before_what_leaves(self) -> None:
        self.check(
            """
            def f(x):  #? x
                if x:  #? 1
                    return x  #? x
                elif y:  #? 2
                    pass
                else:  #? 3
                    for z in y:  #? z
                        break  #? z
            """,
            """
            def f(x):
                show(x)
                if x:
                    show(1)
                    show(x)
                    return x
                elif y:
                    show(2)
                    pass
                else:
                    show(3)
                    for z in y:
                        show(z)
                        show(z)
                        break
            """,
        )

    def test_several_in_one_comment(self) -> None:
        self.check(
            """
            a = 1  #? a #? a + 1
            #? b  #? c
            #? "#? d" + e
            """,
            """
            a = 1
            show(a)
            show(a + 1)
            show(b)
            show(c)
            show("#? d" + e)
            """,
        )

    def test_only_comments_ask(self) -> None:
        source = self.check('a = "#? b"\n# #? c\n#?\n#? \n', 'a = "#? b"\n')
        self.assertEqual(source.questions, [])

    def test_the_rest_stays_where_it_is(self) -> None:
        text = "é = 1;  #? é\nfor x in y:  #? x\n    z = x\n"
        source = Source.edited("train.py", text)
        found = [
            (n.id, n.lineno, n.col_offset)
            for n in ast.walk(source.tree)
            if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
        ]
        self.assertEqual(sorted(found, key=lambda one: one[1:]), [("é", 1, 0), ("x", 2, 4), ("z", 3, 4)])
        match = match_file(RecordedProgram([("train.py", text)]), "train.py", source)
        places = [(p.line, p.column, p.end_column, p.call) for p in match.probes]
        self.assertEqual(places, [(1, 9, 14, "#?"), (2, 13, 17, "#?")])
        self.assertEqual(match.changes, [])

    def test_what_cannot_be_asked_is_told_at_its_line(self) -> None:
        recorded = "for x in y:\n    use(x)\n"
        edited = "for x in y:\n    #? x +\n    use(x)\n  #? x\n    #? x\n    #? nothing\n"
        match = match_file(
            RecordedProgram([("train.py", recorded)]), "train.py", Source.edited("train.py", edited)
        )
        self.assertEqual([probe.line for probe in match.probes], [5])
        told = [(change.line, change.kind) for change in match.changes]
        self.assertEqual(told, [(2, "unplaced"), (4, "unplaced"), (6, "unplaced")])
        self.assertIn("`x +` is no expression", match.changes[0].message)
        self.assertIn("indent it like the code around it", match.changes[1].message)
        self.assertIn("no `nothing`", match.changes[2].message)


class Expressions(unittest.TestCase):
    TEXT = textwrap.dedent("""
        import os
        for i, é in pairs:  # a remark
            loss = model.head(é.data,
                i)  #? loss
            loss.item()
            most = max(k for k in loss)

        class A:
            rate = top
            def f(self, x=3):
                return self.rate
        """).lstrip()

    def at(self, line: int, text: str) -> Optional[dict]:
        """What is at the end of some text of a line."""
        written = self.TEXT.split("\n")[line - 1]
        column = written.index(text) + len(text)
        return expression_at(self.TEXT, line, len(written[:column].encode()))

    def test_names_and_attributes_are_found(self) -> None:
        for line, text, expected in (
            (2, "i", "i"),
            (3, "loss", "loss"),
            (3, "é.data", "é.data"),
            (3, "model.he", "model"),  # a method itself is always the same
            (4, "i", "i"),
            (10, "x", "x"),
            (11, "self", "self"),
            (11, "self.rate", "self.rate"),
        ):
            found = self.at(line, text)
            assert found is not None, text
            self.assertEqual(found["expression"], expected)
            # The text with the comment put there asks for just that.
            lines = self.TEXT.split("\n")
            row = lines[found["commentLine"] - 1].encode()[: found["commentColumn"]].decode()
            lines[found["commentLine"] - 1] = f"{row}  #? {found['expression']}"
            source = Source.edited("train.py", "\n".join(lines))
            asked = [ast.unparse(q.expression) for q in source.questions if q.expression is not None]
            self.assertIn(expected, asked)
            self.assertEqual([question.problem for question in source.questions if question.problem], [])

    def test_what_has_no_history_is_not_offered(self) -> None:
        for line, text in ((1, "os"), (6, "max"), (6, "k"), (9, "rate"), (9, "top"), (10, "de")):
            self.assertIsNone(self.at(line, text), (line, text))


PROGRAM = """
    import math
    import time

    total = 0.0
    for epoch in range(3):
        for step in range(4):
            total += math.sqrt(epoch + step)
            time.sleep(0.01)
        print("epoch", epoch)
    """


class Replaying(unittest.TestCase):
    def setUp(self) -> None:
        self.project = Project({"train.py": PROGRAM})
        self.addCleanup(self.project.remove)

    def record(self) -> Recording:
        recording = self.project.record("train.py")
        self.assertEqual(recording.result.returncode, 0, recording.result.stderr)
        return recording

    def test_values_are_those_of_the_run(self) -> None:
        recording = self.record()
        edited = PROGRAM.replace("(0.01)", "(0.01)  #? total\n            #? (epoch, 'a' * step)")
        messages = recording.replay({"train.py": edited})
        total, expected, values = 0.0, [], []
        for epoch in range(3):
            for step in range(4):
                total += (epoch + step) ** 0.5
                expected += [f"total = {total!r}", f"(epoch, 'a' * step) = {(epoch, 'a' * step)!r}"]
                values.append(total)
        self.assertEqual(texts(messages), expected)
        hits = [message for message in messages if message["t"] == "hit"]
        self.assertEqual([h["value"] for h in hits if h["name"] == "total"], values)
        self.assertEqual({h["value"] for h in hits if h["name"] != "total"}, {None})
        self.assertEqual(texts(messages, "log"), texts(recording.messages, "log"))

    def test_they_may_have_been_there_before(self) -> None:
        self.project.write("train.py", PROGRAM.replace("(0.01)", "(0.01)  #? total"))
        recording = self.record()
        self.assertEqual(recording.result.stdout, "epoch 0\nepoch 1\nepoch 2\n")
        self.assertEqual(recording.result.stderr, "")
        messages = recording.replay({"train.py": self.project.read("train.py")})
        self.assertEqual(len(texts(messages)), 12)

    def test_a_huge_value_is_cut_short(self) -> None:
        recording = self.record()
        messages = recording.replay({"train.py": PROGRAM + "\n    #? [0] * 100_000\n"})
        (text,) = texts(messages)
        self.assertLess(len(text), 11_000)
        self.assertTrue(text.endswith("… (300000 characters)"))


if __name__ == "__main__":
    unittest.main()
