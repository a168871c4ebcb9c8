"""What an edit adds to the recorded program, case by case."""

from __future__ import annotations

import ast
import sys
import textwrap
import unittest
from typing import Optional, Sequence

from hindsight_runtime.analysis.moves import match_file
from hindsight_runtime.analysis.probes import FileMatch
from hindsight_runtime.analysis.recorded import RecordedProgram
from hindsight_runtime.analysis.source import Source
from hindsight_runtime.analysis.splice import PROBE_LINE, splice

TRAIN = """\
import torch

def train(model, loader, optimizer):
    for epoch in range(3):
        total = 0
        for x, y in loader:
            loss = model(x, y)
            loss.backward()
            optimizer.step()
            total += loss.item()
        print("epoch", epoch, total)
    return model

def main():
    model = torch.Model()
    train(model, [], None)

main()
"""


class SpliceCase(unittest.TestCase):
    def match(self, recorded: str, edited: str) -> FileMatch:
        program = RecordedProgram([("train.py", _text(recorded))])
        return match_file(program, "train.py", Source("train.py", _text(edited)))

    def check(
        self,
        recorded: str,
        edited: str,
        spliced: Optional[str] = None,
        probes: Sequence[tuple] = (),
        changes: Sequence[tuple] = (),
    ) -> FileMatch:
        """`spliced` None: as edited. Probes are (line, kind[, site]), changes (line, kind)."""
        match = self.match(recorded, edited)
        found: list[tuple] = []
        for index, probe in enumerate(match.probes):
            wanted = probes[index] if index < len(probes) else ()
            found.append((probe.line, probe.kind, probe.site)[: max(2, len(wanted))])
        self.assertEqual(found, list(probes))
        self.assertEqual(
            [(change.line, change.kind) for change in match.changes],
            list(changes),
            [change.message for change in match.changes],
        )
        result = splice("train.py", _text(recorded), _text(edited))
        expected = ast.unparse(
            _single_imports(ast.parse(_text(edited if spliced is None else spliced)))
        )
        self.assertEqual(ast.unparse(_single_imports(result.tree)), expected)
        compile(result.tree, "train.py", "exec")
        without = _without_added(result.tree)
        self.assertEqual(ast.unparse(without), ast.unparse(ast.parse(_text(recorded))))
        return match

    def edit(self, old: str, new: str, text: str = TRAIN) -> str:
        self.assertIn(old, text)
        return text.replace(old, new)


class NewStatements(SpliceCase):
    def test_nothing_changed(self) -> None:
        self.check(TRAIN, TRAIN)

    def test_in_the_inner_loop(self) -> None:
        match = self.check(
            TRAIN,
            self.edit("loss.backward()\n", "loss.backward()\n            print(loss)\n"),
            probes=[(9, "new")],
        )
        self.assertEqual(match.probes[0].loops, ["train.py:4:4", "train.py:6:8"])
        self.assertEqual(match.probes[0].function, "train")

    def test_at_a_body_end_and_behind_the_loop(self) -> None:
        at_end = self.check(
            TRAIN,
            self.edit("total += loss.item()\n", "total += loss.item()\n            print(1)\n"),
            probes=[(11, "new")],
        )
        behind = self.check(
            TRAIN,
            self.edit("total += loss.item()\n", "total += loss.item()\n        print(1)\n"),
            probes=[(11, "new")],
        )
        self.assertEqual(len(at_end.probes[0].loops), 2)
        self.assertEqual(len(behind.probes[0].loops), 1)
        self.assertNotEqual(at_end.fingerprint, behind.fingerprint)

    def test_with_supporting_statements(self) -> None:
        edited = self.edit(
            "import torch\n", "import torch\nimport math\n\ndef gn(m):\n    return 1\n"
        )
        edited = edited.replace(
            "        print(",
            "        with torch.no_grad():\n            g = gn(model)\n        print(g)\n        print(",
        )
        match = self.check(TRAIN, edited, probes=[(17, "new")])
        self.assertEqual(
            splice("train.py", TRAIN, edited).names, {"": {"math", "gn"}, "train": {"g"}}
        )
        self.assertEqual(len(match.additions), 4)

    def test_before_imports_after_everything_and_in_functions(self) -> None:
        self.check(
            TRAIN,
            "print(0)\n"
            + TRAIN.replace("    return model", "    print(2)\n    return model")
            + "print(1)\n",
            probes=[(1, "new"), (13, "new"), (21, "new")],
        )

    def test_docstrings_and_future_imports_stay_first(self) -> None:
        recorded = '"""Doc."""\nfrom __future__ import annotations\nimport os\n'
        self.check(
            recorded, recorded.replace("import os", "print(1)\nimport os"), probes=[(3, "new")]
        )
        self.check(
            recorded,
            "print(1)\nimport os\n",
            '"""Doc."""\nfrom __future__ import annotations\nprint(1)\nimport os\n',
            probes=[(1, "new")],
        )

    def test_a_name_added_to_an_import(self) -> None:
        recorded = "from torch import nn\nnet = nn.Linear(1, 1)\n"
        self.check(
            recorded,
            "from torch import (\n    nn,\n    optim,\n)\nnet = nn.Linear(1, 1)\nprint(optim)\n",
            "from torch import nn\nfrom torch import optim\nnet = nn.Linear(1, 1)\nprint(optim)\n",
            probes=[(6, "new")],
        )

    def test_an_import_that_is_there_already(self) -> None:
        recorded = "import math\n\ndef f(x):\n    return math.sin(x)\n\nf(1)\n"
        self.check(
            recorded,
            recorded.replace("    return", "    import math\n    print(math.pi)\n    return"),
            recorded.replace("    return", "    print(math.pi)\n    return"),
            probes=[(5, "new")],
        )

    def test_blocks_with_logs(self) -> None:
        for block in (
            "if epoch == 2:\n            print(1)",
            "for p in model.ps():\n            print(p)",
            "with torch.no_grad():\n            print(1)",
            "try:\n            print(1)\n        except ValueError as e:\n            print(e)",
            "while False:\n            break",
        ):
            with self.subTest(block):
                edited = self.edit("        print(", "        " + block + "\n        print(")
                match = self.match(TRAIN, edited)
                self.check(TRAIN, edited, probes=[(probe.line, "new") for probe in match.probes])
                self.assertEqual(len(match.additions), 1)
                self.assertEqual(match.changes, [])

    def test_an_else_or_finally_of_its_own(self) -> None:
        recorded = "x = 1\nif x:\n    x = 2\nfor i in []:\n    x = 3\ntry:\n    x = 4\nexcept ValueError:\n    x = 5\n"
        edited = (
            "x = 1\nif x:\n    x = 2\nelse:\n    print(1)\nfor i in []:\n    x = 3\nelse:\n    print(2)\n"
            "try:\n    x = 4\nexcept ValueError:\n    x = 5\nelse:\n    print(3)\nfinally:\n    print(4)\n"
        )
        match = self.check(
            recorded, edited, probes=[(5, "new"), (9, "new"), (15, "new"), (17, "new")]
        )
        self.assertEqual(match.probes[1].loops, [])
        self.check(
            recorded,
            recorded.replace("    x = 2\n", "    x = 2\nelif x > 1:\n    print(1)\n"),
            probes=[(5, "new")],
        )

    def test_in_an_empty_body(self) -> None:
        self.check(
            "for i in range(3):\n    pass\n",
            "for i in range(3):\n    print(i)\n",
            "for i in range(3):\n    pass\n    print(i)\n",
            probes=[(2, "new")],
        )

    def test_a_semicolon_and_a_one_line_block(self) -> None:
        self.check("x = 1\n", "x = 1; print(x)\n", probes=[(1, "new")])
        self.check("for i in []: x = 1\n", "for i in []: x = 1; print(i)\n", probes=[(1, "new")])

    def test_inside_classes_and_nested_functions(self) -> None:
        recorded = """
        class Net(Base):
            def forward(self, x):
                def inner(y):
                    return y
                return inner(x)
        """
        edited = """
        class Net(Base):
            count = 0
            print(count)

            def norm(self):
                return 1

            def forward(self, x):
                print(self.norm())
                def inner(y):
                    print(y)
                    return y
                return inner(x)
        """
        match = self.check(recorded, edited, probes=[(3, "new"), (9, "new"), (11, "new")])
        self.assertEqual(
            [probe.function for probe in match.probes],
            [None, "Net.forward", "Net.forward.<locals>.inner"],
        )
        spliced = splice("train.py", _text(recorded), _text(edited))
        self.assertEqual(spliced.names, {"Net": {"count", "norm"}})

    def test_async(self) -> None:
        recorded = "async def f(xs):\n    async for x in xs:\n        await x\n"
        self.check(recorded, recorded + "        print(x)\n", probes=[(4, "new")])
        self.check(
            recorded, recorded + "        await print(x)\n", recorded, changes=[(4, "conflict")]
        )

    def test_walrus(self) -> None:
        recorded = "while (n := f()) > 1:\n    g(n)\n"
        self.check(recorded, recorded + "    print(m := n)\n", probes=[(3, "new")])
        self.check(recorded, recorded + "    print(n := 1)\n", recorded, changes=[(3, "conflict")])

    @unittest.skipIf(sys.version_info < (3, 10), "match statements came with 3.10")
    def test_match_statements(self) -> None:
        recorded = "x = 1\nmatch x:\n    case 1:\n        x = 2\n    case 2:\n        x = 3\n"
        self.check(
            recorded,
            recorded.replace("        x = 3", "        x = 3\n        print(x)"),
            probes=[(7, "new")],
        )
        self.check(recorded, recorded + "    case _:\n        print(x)\n", probes=[(8, "new")])
        self.check(
            recorded,
            recorded.replace("    case 2", "    case 5:\n        print(x)\n    case 2"),
            recorded,
            changes=[(6, "unplaced")],
        )

    def test_marks_and_positions(self) -> None:
        edited = "# first\n" + self.edit("loss.backward()\n", "loss.backward(); print(loss)\n")
        tree = splice("train.py", TRAIN, edited).tree
        added = [n for n in ast.walk(tree) if getattr(n, "lineno", 0) > PROBE_LINE]
        self.assertEqual({n.lineno - PROBE_LINE for n in added}, {9})
        loops = [n.lineno for n in ast.walk(tree) if isinstance(n, ast.For)]
        self.assertEqual(sorted(loops), [4, 6])


class ChangedStatements(SpliceCase):
    def test_a_changed_log_statement(self) -> None:
        edited = self.edit('print("epoch", epoch, total)', 'print("epoch", total / 2)')
        match = self.check(
            TRAIN,
            edited,
            self.edit(
                'print("epoch", epoch, total)',
                'print("epoch", epoch, total)\n        print("epoch", total / 2)',
            ),
            probes=[(11, "changed", "train.py:11:8")],
        )
        self.assertEqual(match.logs, [])

    def test_a_condition_around_a_log_statement(self) -> None:
        self.check(
            TRAIN,
            self.edit(
                '        print("epoch", epoch, total)',
                '        if epoch > 1:\n            print("epoch", epoch, total)',
            ),
            self.edit(
                '        print("epoch", epoch, total)',
                '        if epoch > 1:\n            print("epoch", epoch, total)\n'
                '        print("epoch", epoch, total)',
            ),
            probes=[(12, "new")],
            changes=[(10, "removed")],
        )

    def test_a_changed_condition_around_logs(self) -> None:
        recorded = "for i in range(9):\n    if i % 5 == 0:\n        print(i)\n"
        self.check(
            recorded,
            recorded.replace("5", "2"),
            recorded + "    if i % 2 == 0:\n        print(i)\n",
            probes=[(3, "changed", "train.py:3:8")],
        )

    def test_a_new_statement_beside_a_log_statement(self) -> None:
        match = self.check(
            TRAIN,
            self.edit("        print(", "        print(total)\n        print("),
            probes=[(11, "new")],
        )
        self.assertEqual([site for site, _ in match.logs], ["train.py:11:8"])
        self.assertEqual([now.lineno for _, now in match.logs], [12])

    def test_a_removed_log_statement(self) -> None:
        self.check(
            TRAIN,
            self.edit('        print("epoch", epoch, total)\n', ""),
            TRAIN,
            changes=[(10, "removed")],
        )

    def test_a_moved_log_statement(self) -> None:
        line = '        print("epoch", epoch, total)\n'
        self.check(
            TRAIN,
            self.edit(line, "").replace(
                "    return model", "    print('epoch', epoch, total)\n    return model"
            ),
            TRAIN.replace("    return model", "    print('epoch', epoch, total)\n    return model"),
            probes=[(11, "new")],
            changes=[(10, "removed")],
        )


class TrainingChanges(SpliceCase):
    def test_reported_and_not_replayed(self) -> None:
        for old, new, line, kind in (
            ("range(3)", "range(5)", 4, "training"),
            ("loss = model(x, y)", "loss = model(x, y) * 2", 7, "training"),
            ("            optimizer.step()\n", "", 8, "training"),
            (
                "def train(model, loader, optimizer)",
                "def train(model, loader, optimizer, clip=1)",
                3,
                "training",
            ),
            (
                "            loss.backward()\n",
                "            total = loss\n            loss.backward()\n",
                8,
                "conflict",
            ),
            (
                "            loss.backward()\n",
                "            if loss > 1: break\n            loss.backward()\n",
                8,
                "conflict",
            ),
            ("    return model\n", "    return model\n    raise ValueError\n", 13, "conflict"),
            (
                "            loss.backward()\n",
                "            model.step = 1\n            loss.backward()\n",
                8,
                "conflict",
            ),
            (
                "            loss.backward()\n",
                "            x[0] = 1\n            loss.backward()\n",
                8,
                "conflict",
            ),
            (
                "            loss.backward()\n",
                "            del x\n            loss.backward()\n",
                8,
                "conflict",
            ),
            (
                "            loss.backward()\n",
                "            exit()\n            loss.backward()\n",
                8,
                "conflict",
            ),
            (
                "            loss.backward()\n",
                "            breakpoint()\n            loss.backward()\n",
                8,
                "conflict",
            ),
            (
                "            loss.backward()\n",
                "            yield 3\n            loss.backward()\n",
                8,
                "conflict",
            ),
            ("import torch\n", "import torch\nfrom math import *\n", 2, "conflict"),
            ("import torch\n", "import torch\ndef range(x): return []\n", 2, "conflict"),
            ("import torch\n", "import torch\ndef main(): pass\n", 2, "conflict"),
        ):
            with self.subTest(new):
                self.check(TRAIN, self.edit(old, new), TRAIN, changes=[(line, kind)])

    def test_probes_beside_training_changes(self) -> None:
        edited = self.edit("loss = model(x, y)", "loss = model(x, y) * 2\n            print(loss)")
        self.check(
            TRAIN,
            edited,
            self.edit("loss = model(x, y)", "loss = model(x, y)\n            print(loss)"),
            probes=[(8, "new")],
            changes=[(7, "training")],
        )

    def test_recorded_code_inside_a_new_block(self) -> None:
        edited = self.edit(
            "            loss.backward()\n            optimizer.step()\n",
            "            with torch.autocast():\n                loss.backward()\n"
            "                print(loss)\n                optimizer.step()\n",
        )
        self.check(
            TRAIN,
            edited,
            self.edit("loss.backward()\n", "loss.backward()\n            print(loss)\n"),
            probes=[(10, "new")],
            changes=[(8, "training")],
        )

    def test_recorded_code_out_of_its_block(self) -> None:
        recorded = "with scope():\n    a = f()\n    b = g(a)\nc = h(b)\n"
        self.check(
            recorded,
            "a = f()\nprint(a)\nb = g(a)\nc = h(b)\n",
            recorded.replace("    b =", "    print(a)\n    b ="),
            probes=[(2, "new")],
            changes=[(1, "training"), (3, "training")],
        )

    def test_a_main_guard(self) -> None:
        self.check(
            TRAIN,
            self.edit("\nmain()\n", "\nif __name__ == '__main__':\n    print(1)\n    main()\n"),
            self.edit("\nmain()\n", "\nprint(1)\nmain()\n"),
            probes=[(19, "new")],
        )

    def test_a_name_that_the_recorded_program_does_not_have(self) -> None:
        self.check(
            TRAIN,
            self.edit("loss.backward()\n", "loss.backward()\n            print(los)\n"),
            TRAIN,
            changes=[(9, "unplaced")],
        )

    def test_a_handler_around_recorded_code(self) -> None:
        edited = self.edit(
            "            loss.backward()\n",
            "            try:\n                loss.backward()\n            except ValueError:\n"
            "                print(x)\n",
        )
        self.check(TRAIN, edited, TRAIN, changes=[(8, "training"), (11, "unplaced")])


class NamesOfTheProgram(SpliceCase):
    LOOPS = """\
def f(model, xs):
    for p in model.ps():
        p.zero()
    for x in xs:
        y = model(x)
        y.backward()
    try:
        z = 1
        g(z)
    except ValueError:
        z = 2
    return model
"""

    def isolated(self, old: str, new: str) -> list[str]:
        match = self.match(self.LOOPS, self.edit(old, new, self.LOOPS))
        splice("train.py", self.LOOPS, self.edit(old, new, self.LOOPS))
        return [ast.unparse(addition.node) for addition in match.additions]

    def test_a_variable_that_is_no_longer_needed(self) -> None:
        for name in ("p", "x", "y", "z"):
            with self.subTest(name):
                added = f"    for {name} in model.ps(): print({name})\n"
                expected = [f"for _hindsight_{name} in model.ps():\n    print(_hindsight_{name})"]
                self.assertEqual(
                    self.isolated("    return model\n", added + "    return model\n"), expected
                )
                self.assertEqual(self.isolated("    for p in", added + "    for p in"), expected)

    def test_together_with_what_reads_it(self) -> None:
        self.assertEqual(
            self.isolated(
                "    return model\n",
                "    x = 1\n    x += 2\n    print(x, f'{x=}')\n    return model\n",
            ),
            ["_hindsight_x = 1", "_hindsight_x += 2", "print(_hindsight_x, f'x={_hindsight_x!r}')"],
        )

    def test_a_variable_that_is_still_needed(self) -> None:
        for old, new in (
            ("        y.backward()", "        for y in []: print(y)\n        y.backward()"),
            ("        y = model(x)", "        x = 3\n        y = model(x)"),
            ("        p.zero()", "        p = 3\n        p.zero()"),
            ("        g(z)", "        z = 3\n        g(z)"),
            ("    return model", "    model = 3\n    return model"),
            ("        z = 1\n", "        model = 3\n        z = 1\n"),
            ("    return model", "    x += 1\n    return model"),
        ):
            with self.subTest(new):
                self.assertEqual(self.isolated(old, new), [])

    def test_another_probe_that_reads_the_recorded_value(self) -> None:
        text = self.LOOPS.replace("    try:", "    for x in []: print(x)\n    try:").replace(
            "    return", "    print(x)\n    return"
        )
        match = self.match(self.LOOPS, text)
        # With the loop, it would print another value.
        self.assertEqual([change.kind for change in match.changes], ["conflict", "unplaced"])
        self.assertIn("line", match.changes[1].message)
        self.assertEqual(match.additions, [])

    def test_what_closures_and_other_functions_see(self) -> None:
        recorded = "n = 1\ndef f():\n    return n\nf()\n"
        match = self.match(recorded, recorded + "for n in []: print(n)\n")
        self.assertEqual([change.kind for change in match.changes], ["conflict"])


class Extractions(SpliceCase):
    def test_an_expression_that_got_a_name(self) -> None:
        for recorded, edited, line in (
            (
                "def f(self, x):\n    return self.b(F.relu(self.a(x)))\n",
                "def f(self, x):\n    h = F.relu(self.a(x))\n    print(h)\n    return self.b(h)\n",
                3,
            ),
            (
                "def f(m, x, y):\n    loss = crit(m(x), y)\n    loss.backward()\n",
                "def f(m, x, y):\n    out = m(x)\n    loss = crit(out, y)\n    print(out)\n    loss.backward()\n",
                4,
            ),
            (
                "for i in range(3):\n    print('acc', evaluate(i))\n",
                "for i in range(3):\n    acc = evaluate(i)\n    print(acc)\n    print('acc', acc)\n",
                3,
            ),
            (
                "x = h(g(f(1), 2))\n",
                "a = f(1)\nb = g(a, 2)\nprint(a, b)\nx = h(b)\n",
                3,
            ),
        ):
            with self.subTest(edited):
                match = self.match(recorded, edited)
                self.assertEqual([probe.line for probe in match.probes], [line])
                self.assertEqual(match.changes, [])
                spliced = splice("train.py", recorded, edited)
                self.assertEqual(ast.unparse(spliced.tree), ast.unparse(ast.parse(edited)))
                added = [n for n in ast.walk(spliced.tree) if getattr(n, "lineno", 0) > PROBE_LINE]
                self.assertEqual({n.lineno - PROBE_LINE for n in added}, {line})

    def test_not_where_the_order_would_change(self) -> None:
        for recorded, edited in (
            ("x = g(a(), b())\n", "v = b()\nprint(v)\nx = g(a(), v)\n"),
            ("x = a() if c else b()\n", "v = a()\nprint(v)\nx = v if c else b()\n"),
            ("y = 1\nx = g(f())\n", "v = f()\ny = 1\nprint(v)\nx = g(v)\n"),
            ("x = [f() for i in z]\n", "v = f()\nprint(v)\nx = [v for i in z]\n"),
        ):
            with self.subTest(edited):
                match = self.match(recorded, edited)
                self.assertEqual(match.extractions, [])
                self.assertNotEqual(match.changes, [])

    def test_a_step_alone_changes_nothing(self) -> None:
        recorded = "x = h(g(1))\n"
        match = self.match(recorded, "v = g(1)\nx = h(v)\n")
        self.assertEqual((match.additions, match.changes, match.extractions), ([], [], []))


class Renames(SpliceCase):
    def test_a_variable(self) -> None:
        recorded = TRAIN
        edited = TRAIN.replace("loss", "objective").replace(
            "objective.backward()\n",
            "objective.backward()\n            print(objective, [objective for _ in 'a'])\n",
        )
        self.check(
            recorded,
            edited,
            self.edit(
                "loss.backward()\n",
                "loss.backward()\n            print(loss, [loss for _ in 'a'])\n",
            ),
            probes=[(9, "new")],
        )

    def test_a_parameter_and_a_function(self) -> None:
        edited = TRAIN.replace("train(", "fit(").replace("optimizer", "opt")
        match = self.match(
            TRAIN, edited.replace("opt.step()\n", "opt.step()\n            print(opt)\n")
        )
        self.assertEqual([ast.unparse(a.node) for a in match.additions], ["print(optimizer)"])
        self.assertEqual([change.kind for change in match.changes], [])

    def test_not_where_both_names_are_in_use(self) -> None:
        recorded = "def f(a, b):\n    c = g(a)\n    d = g(b)\n    return c, d\n"
        edited = recorded.replace("g(a)", "g(b)")
        self.check(recorded, edited, recorded, changes=[(2, "training")])


class Headers(SpliceCase):
    def test_a_count_for_a_probe(self) -> None:
        recorded = "def f(loader):\n    for x, y in loader:\n        g(x)\n"
        edited = "def f(loader):\n    for i, (x, y) in enumerate(loader, 1):\n        g(x)\n        print(i)\n"
        self.check(
            recorded,
            edited,
            "def f(loader):\n    i = 0\n    for x, y in loader:\n        i += 1\n        g(x)\n        print(i)\n",
            probes=[(4, "new")],
        )
        self.check(recorded, edited.replace("        print(i)\n", ""), recorded)

    def test_another_name_for_the_item(self) -> None:
        recorded = "for _ in range(3):\n    g(1)\n"
        self.check(
            recorded,
            "for epoch in range(3):\n    print(epoch)\n    g(1)\n",
            "for _ in range(3):\n    print(_)\n    g(1)\n",
            probes=[(2, "new")],
        )
        self.check(
            "for item in [(1, 2)]:\n    g(1)\n",
            "for (x, y) in [(1, 2)]:\n    print(x)\n    g(1)\n",
            "for item in [(1, 2)]:\n    (x, y) = item\n    print(x)\n    g(1)\n",
            probes=[(2, "new")],
            changes=[(1, "training")],
        )


class Reformatting(SpliceCase):
    def test_formatting_comments_hints_and_docstrings(self) -> None:
        edited = '''
        """New words."""
        import torch

        # A comment.
        def main() -> None:
            """More words."""
            model: object = torch.Model()
            train(
                model,
                [],  # empty
                None,
            )


        def train(model: object, loader: list, optimizer=  None if 0 else None):
            pass
        '''
        edited = _text(edited).replace(
            "optimizer=  None if 0 else None):\n    pass",
            "optimizer):" + _text(TRAIN).split("optimizer):")[1].split("def main")[0],
        )
        self.check(TRAIN, edited + "main()\n", TRAIN)

    def test_functions_in_another_order(self) -> None:
        recorded = "def a():\n    return 1\n\ndef b():\n    return 2\n\nclass C:\n    def m(self): return 3\n    def n(self): return 4\n"
        edited = "class C:\n    def n(self): return 4\n    def m(self):\n        print(3)\n        return 3\n\ndef b():\n    print(2)\n    return 2\n\ndef a():\n    return 1\n"
        spliced = "def a():\n    return 1\n\ndef b():\n    print(2)\n    return 2\n\nclass C:\n    def m(self):\n        print(3)\n        return 3\n    def n(self): return 4\n"
        self.check(recorded, edited, spliced, probes=[(4, "new"), (8, "new")])

    def test_the_fingerprint_ignores_what_decides_nothing(self) -> None:
        edited = self.edit("loss.backward()\n", "loss.backward()\n            print(loss, 1)\n")
        first = self.match(TRAIN, edited).fingerprint
        for same in (
            "# moved\n\n" + edited,
            edited.replace("print(loss, 1)", "print(loss,\n                1)  # why"),
            edited.replace("print(loss, 1)", "print(loss, 1,)"),
        ):
            self.assertEqual(self.match(TRAIN, same).fingerprint, first)
        for other in (
            edited.replace("print(loss, 1)", "print(loss, 2)"),
            edited.replace("print(loss, 1)", "print(loss, 1); print(loss, 1)"),
            edited.replace("import torch\n", "import torch\nimport math\n"),
            self.edit("optimizer.step()\n", "optimizer.step()\n            print(loss, 1)\n"),
        ):
            self.assertNotEqual(self.match(TRAIN, other).fingerprint, first)


def _text(text: str) -> str:
    text = textwrap.dedent(text)
    return text[1:] if text.startswith("\n") else text


def _single_imports(tree: ast.Module) -> ast.Module:
    from hindsight_runtime.analysis.matching import split_imports

    split_imports(tree)
    return tree


def _without_added(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        for name in ("body", "orelse", "finalbody", "cases"):
            block = getattr(node, name, None)
            if isinstance(block, list):
                block[:] = [child for child in block if not _is_added(child)]
    return tree


def _is_added(node: ast.AST) -> bool:
    line = getattr(node, "lineno", None) or getattr(getattr(node, "pattern", None), "lineno", 0)
    return line > PROBE_LINE


if __name__ == "__main__":
    unittest.main()
