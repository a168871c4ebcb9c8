from __future__ import annotations

import random
import sys
import types
import unittest
from typing import Any
from unittest import mock

from hindsight_runtime.state import Roots, StateTooLarge, Walk, capture, containers, difference, restore, trees

from .state_cases import NAME, Program, Recorded, StateCase


def shape(*roots: Any) -> Any:
    """Values and who is whom: equal for two structures exactly if a program cannot tell them apart."""
    numbers: dict[int, int] = {}
    kept = []

    def of(o: Any) -> Any:
        if type(o) not in (list, tuple, dict):
            return type(o).__name__, repr(o)
        if type(o) is tuple and all(type(x) not in (list, tuple, dict) for x in o):
            return "tuple", [of(x) for x in o]
        if id(o) in numbers:
            return numbers[id(o)]
        numbers[id(o)] = len(numbers)
        kept.append(o)
        items = [[k, of(v)] for k, v in o.items()] if type(o) is dict else [of(x) for x in o]
        return type(o).__name__, items

    return [of(root) for root in roots]


class SmallTrees(StateCase):
    """With trees from two items on, so that small programs have many."""

    def setUp(self) -> None:
        for owner, name, value in (
            (containers, "LARGE", 2),
            (trees, "BLOCK", 3),
            (trees, "LONGEST", 1000),
        ):
            patch = mock.patch.object(owner, name, value)
            patch.start()
            self.addCleanup(patch.stop)

    def test_a_change_deep_inside(self) -> None:
        self.check(
            "data = [[[i, float(i)], {'n': [i, i]}, (i, [i])] for i in range(10)]; n = 0",
            "n += 1; data[3][0][1] = n; data[7][1]['n'].append(n); data[8][2][1][0] += 1; data[9][1][n] = 'new'",
            "data, n",
        )

    def test_values_that_are_equal_and_others(self) -> None:
        program = Program("data = [[0.0, 1], [1, True]]", "data[0][0] = -0.0; data[1][0] = True")
        before = program.capture()
        program.step()
        self.assertIn("data[0][0]", program.difference(before) or "")
        program.restore(before)
        self.assertEqual("[[0.0, 1], [1, True]]", repr(program.observe("data")))

    def test_rows_in_variables_stay_rows(self) -> None:
        self.check(
            "data = [[i, 0] for i in range(8)]; first = data[0]; best = row = None; kept = []; n = 0; same = True",
            """
            n += 1
            for row in data[:n + 2]:
                row[1] += n
            best = data[n]
            kept.append(data.pop())
            kept[-1].append(n); best.append(n); first.append(n); data.insert(5, [best])
            """,
            "data, first, best, row, kept, n",
            holds="data[-1] is not kept[0] and first in data"
            " and any(row is x for x in data) and any(best is x for x in data) and data[5][0] is best",
        )

    def test_order(self) -> None:
        self.check(
            "import random; chance = random.Random(3); data = [[i] for i in range(9)]; again = list(data); third = data[3]",
            "chance.shuffle(data); data[0].append(len(data[0])); again[0].append('x'); data.sort(key=lambda r: r[0] % 3)",
            "data, again, third",
            holds="all(any(x is y for y in again) for x in data) and third is again[3]",
        )

    def test_dictionaries_of_lists(self) -> None:
        self.check(
            "table = {(i, 'a'): [0.0] * 3 for i in range(6)}; n = 0; row = table[2, 'a']",
            "n += 1; table[n, 'a'][1] += n; table[n + 10, 'a'] = [n]; row.append(n); table.pop((5, 'a'), None)",
            "table, row, n",
            holds="table[2, 'a'] is row",
        )

    def test_shared_from_the_start(self) -> None:
        self.check(
            "row = [1]; data = [row, row, [2], [row]]; data.append([data]); other = [data[2], data[2]]; n = 0",
            "n += 1; row.append(n); other[0].append(n); data[3].append(other)",
            "data[:4], row, other, n",
            holds="data[0] is row and data[1] is row and data[3][0] is row and data[4][0] is data"
            " and other[0] is data[2] and data[3][1] is other",
        )

    def test_a_row_leaves_one_of_two_places(self) -> None:
        # Its references are as many as before.
        program = Program(
            "a = [[1], [2], [3]]; b = list(a); held = None", "held = a[0]; del a[0]; b[0] = held; held.append(4)"
        )
        program.step()
        after = program.capture()
        anew = Program("a = [[1], [2], [3]]; b = list(a); held = None", "")
        sys.modules[NAME] = anew.module
        anew.restore(after)
        self.assertTrue(anew.observe("held is b[0] and held == [1, 4]"))

    def test_another_row_like_it_is_another(self) -> None:
        program = Program("data = [[1], [1], [2]]; row = data[0]", "data.append(row)")
        program.step()
        recorded = program.capture()
        self.assertIsNone(program.difference(recorded))
        program.module.__dict__["row"] = program.observe("data[1]")
        self.assertIsNotNone(program.difference(recorded))
        program.restore(recorded)
        program.module.__dict__["data"][3] = program.observe("data[1]")
        self.assertIsNotNone(program.difference(recorded))

    def test_data_that_nobody_needs_any_more_goes(self) -> None:
        module = types.ModuleType(NAME)
        sys.modules[NAME] = module
        exec("data = [[i] for i in range(5)]; kept = [[i] for i in range(5)]; row = kept[0]", module.__dict__)
        roots = Roots([], {NAME: module})
        walk = Walk(roots)
        before = [len(tree.members) for tree in walk.plain.trees.values()]
        self.assertEqual([5, 5], before)
        module.__dict__["data"] = module.__dict__["kept"] = None
        capture(walk, roots)
        capture(walk, roots)
        # The one with a row in a variable stays.
        self.assertEqual(1, len(walk.plain.trees))
        module.__dict__["row"].append(1)
        recorded = Recorded(walk, roots)
        self.assertIsNone(difference(walk, roots, recorded.stream, recorded.buffers))

    def test_rows_of_two_lists_outlive_one(self) -> None:
        module = types.ModuleType(NAME)
        sys.modules[NAME] = module
        exec("data = [[i] for i in range(5)]; order = data[::-1]", module.__dict__)
        roots = Roots([], {NAME: module})
        walk = Walk(roots)
        del module.__dict__["data"]
        capture(walk, roots)
        before = Recorded(walk, roots)
        module.__dict__["order"][1].append("new")
        self.assertIsNotNone(difference(walk, roots, before.stream, before.buffers))
        after = Recorded(walk, roots)
        self.assertIsNone(difference(walk, roots, after.stream, after.buffers))
        restore(walk, roots, before.stream, before.buffers)
        self.assertEqual([[4], [3], [2], [1], [0]], module.__dict__["order"])

    def test_an_inner_walk_takes_what_the_outer_one_knows(self) -> None:
        module = types.ModuleType(NAME)
        sys.modules[NAME] = module
        exec("data = [[i] for i in range(5)]; row = None", module.__dict__)
        roots = Roots([], {NAME: module})
        outer = Walk(roots)
        inner = Walk(roots)
        self.assertIs(*(walk.plain.trees[0] for walk in (outer, inner)))
        self.assertEqual(outer.layout, inner.layout)
        module.__dict__["row"] = module.__dict__["data"][1]
        self.assertEqual([1], _shared(inner))
        third = Walk(roots)
        self.assertIs(outer.plain.trees[0].members, third.plain.trees[0].members)
        self.assertEqual([1], _shared(third))
        self.assertIs(inner.plain.trees[0].members, outer.plain.trees[0].members)
        del outer, inner
        self.assertEqual([1], _shared(third))
        module.__dict__["row"] = None
        self.assertEqual([], _shared(third))

    def test_what_is_derived_is_what_would_be_found(self) -> None:
        for change in (
            "data[3][0] = 5.5", "data[2].append(2)", "del data[2][:]", "data[4]['a'] = 8", "data[4]['b'] = 8",
            "data[4][(1, [])[:1]] = 1", "data[0].append([])", "data[5][0].append(3)", "data[1] = data[0]",
            "data[2][0] = data[3]", "row = data[3]", "aaa = data[3]", "data.append([1])", "data.reverse()",
            "data[5][0] = 7", "data[0][0] = (1, 2)", "data[0][0] = object", "pass",
        ):  # fmt: skip
            with self.subTest(change):
                modules = [types.ModuleType(NAME), types.ModuleType(NAME)]
                walks = []
                for module in modules:
                    exec("data = [[i] for i in range(4)] + [{'a': 1}, [[2]], [3]]", module.__dict__)
                    roots = Roots([], {NAME: module})
                    if module is modules[0]:
                        walks.append(Walk(roots))
                    exec(change, module.__dict__)
                    walks.append(Walk(roots))
                outer, derived, found = walks
                self.assertEqual(found.layout, derived.layout)
                self.assertEqual(_shared(found), _shared(derived))
                recorded = Recorded(found, Roots([], {NAME: modules[1]}))
                roots = Roots([], {NAME: modules[0]})
                self.assertIsNone(difference(derived, roots, recorded.stream, recorded.buffers))

    def test_walks_within_walks(self) -> None:
        module = types.ModuleType(NAME)
        sys.modules[NAME] = module
        exec("data = [[i] for i in range(5)]; row = None", module.__dict__)
        roots = Roots([], {NAME: module})
        outer = Walk(roots)
        module.__dict__["data"].reverse()
        inner = Walk(roots)
        self.assertEqual([], _shared(inner))
        module.__dict__["row"] = module.__dict__["data"][1]
        self.assertEqual([1], _shared(inner))
        del inner
        recorded = Recorded(outer, roots)
        module.__dict__["row"] = module.__dict__["data"][2]
        self.assertIsNotNone(difference(outer, roots, recorded.stream, recorded.buffers))

    def test_layout_tells_values_and_sharing(self) -> None:
        def layout(source: str) -> str:
            module = types.ModuleType(NAME)
            exec(source, module.__dict__)
            return Walk(Roots([], {NAME: module})).layout

        base = layout("data = [[1, 2], [1, 2], {'a': [1]}]")
        self.assertEqual(base, layout("data = [[1, 2], [1, 2], {'a': [1]}]"))
        for other in (
            "data = [[1, 2], [1, 3], {'a': [1]}]",
            "data = [[1, 2], [1, 2.0], {'a': [1]}]",
            "data = [[1, 2, 1], [2], {'a': [1]}]",
            "data = [[1, 2], {'a': [1]}, [1, 2]]",
            "data = [[1, 2], [1, 2], {'b': [1]}]",
            "data = [[1, 2], [1, 2], ('a', [1])]",
            "row = [1, 2]; data = [row, row, {'a': [1]}]; del row",
        ):
            self.assertNotEqual(base, layout(other), other)

    def test_any_changes(self) -> None:
        for seed in range(150):
            with self.subTest(seed=seed):
                self._play(seed)

    def _play(self, seed: int) -> None:
        steps = random.Random(seed).randrange(1, 5)
        played = Game(seed)
        recorded = []
        for _ in range(steps):
            played.step()
            recorded.append((Recorded(played.walk, played.roots), played.shape(), played.chance.getstate()))
        for snapshot, expected, state in recorded:
            anew = Game(seed)
            self.assertEqual(anew.walk.layout, played.walk.layout)
            sys.modules[NAME] = anew.module
            if seed % 2:
                anew.step()  # restored from somewhere else
            restore(anew.walk, anew.roots, snapshot.stream, snapshot.buffers)
            self.assertEqual(expected, anew.shape())
            found = difference(anew.walk, anew.roots, snapshot.stream, snapshot.buffers)
            self.assertIsNone(found, found and found.text)
            # And one change more is seen.
            anew.chance.setstate(state)
            anew.step()
            found = difference(anew.walk, anew.roots, snapshot.stream, snapshot.buffers)
            self.assertEqual(expected != anew.shape(), found is not None, found and found.text)

    def test_any_changes_between_walks(self) -> None:
        for seed in range(120):
            with self.subTest(seed=seed):
                self._play_within(seed)

    def _play_within(self, seed: int) -> None:
        """A loop in a loop is recorded; a replay walks only at the inner one, and is somewhere else by then."""
        before = random.Random(seed).randrange(3)
        played, anew = Game(seed), Game(seed)
        outer = Walk(played.roots)
        for game in (played, anew):
            for _ in range(before):
                game.step()
            game.walk = Walk(game.roots)
        self.assertEqual(played.walk.layout, anew.walk.layout)
        played.step()
        sys.modules[NAME] = played.module
        recorded = Recorded(played.walk, played.roots)
        expected = played.shape()
        sys.modules[NAME] = anew.module
        if seed % 2:
            anew.step()
            found = difference(anew.walk, anew.roots, recorded.stream, recorded.buffers)
            self.assertIsNone(found, found and found.text)
        else:
            restore(anew.walk, anew.roots, recorded.stream, recorded.buffers)
        self.assertEqual(expected, anew.shape())
        # The outer one's checkpoint, too.
        played.walk = None
        sys.modules[NAME] = played.module
        recorded = Recorded(outer, played.roots)
        found = difference(outer, played.roots, recorded.stream, recorded.buffers)
        self.assertIsNone(found, found and found.text)
        first = Game(seed)
        first.walk = Walk(first.roots)
        self.assertEqual(outer.layout, first.walk.layout)
        sys.modules[NAME] = first.module
        restore(first.walk, first.roots, recorded.stream, recorded.buffers)
        self.assertEqual(expected, first.shape())


class Game:
    """Changes nested containers at random, and may do the same again."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.module = types.ModuleType(NAME)
        space = self.module.__dict__
        for name in "abc":
            space[name] = self._make(3)
        space["d"] = self.chance.choice(self._containers() or [None])
        space["e"] = None
        self.roots = Roots([], {NAME: self.module})
        self.walk: Any = Walk(self.roots, keep=True)

    def shape(self) -> Any:
        return shape(*(self.module.__dict__[name] for name in "abcde"))

    def _make(self, depth: int) -> Any:
        chance = self.chance
        if depth == 0 or chance.random() < 0.2:
            return chance.choice([1, 2.5, "text", None, (1, 2), -0.0, 3])
        items = [self._make(depth - 1) for _ in range(chance.randrange(2, 5))]
        made: Any = chance.choice([list, list, tuple, dict])
        made = dict(enumerate(items)) if made is dict else made(items)
        if type(made) is list and chance.random() < 0.2:
            made.append(chance.choice(items))
        return made

    def _containers(self) -> list[Any]:
        found: dict[int, Any] = {}
        pending = [self.module.__dict__.get(name) for name in "edcba"]
        while pending:
            o = pending.pop()
            if type(o) in (list, tuple, dict) and id(o) not in found:
                found[id(o)] = o
                pending.extend(o.values() if type(o) is dict else o)
        return list(found.values())

    def step(self) -> None:
        chance, space = self.chance, self.module.__dict__
        for _ in range(chance.randrange(1, 5)):
            everything = self._containers() or [[]]
            value = chance.choice([chance.choice(everything), self._make(1), chance.random()])
            holders = [o for o in everything if type(o) is not tuple]
            holder = chance.choice(holders) if holders else space
            what = chance.randrange(7)
            if what == 0 or holder is space:
                space[chance.choice("abcde")] = value
            elif type(holder) is dict:
                if what < 4 or not holder:
                    holder[chance.choice([0, 1, "new", (3, 4)])] = value
                else:
                    del holder[chance.choice(list(holder))]
            elif what == 1:
                holder.append(value)
            elif what == 2:
                chance.shuffle(holder)
            elif what == 3 and holder:
                space["e"] = holder.pop(chance.randrange(len(holder)))
            elif what == 4 and holder:
                holder[chance.randrange(len(holder))] = value
            elif what == 5:
                holder.insert(0, value)
            elif holder:
                holder[0], holder[-1] = holder[-1], holder[0]


class LargeTrees(unittest.TestCase):
    def tearDown(self) -> None:
        sys.modules.pop(NAME, None)

    def test_rows_are_not_numbered_and_a_checkpoint_holds_what_changed(self) -> None:
        program = Program("data = [[float(i), i % 10, 'x'] for i in range(50_000)]", "data[7][1] += 1")
        self.assertLess(program.walk.count, 10)
        self.assertLess(len(program.capture().stream), 100_000)
        program.step()
        changed = program.capture()
        self.assertLess(len(changed.stream), 100_000)
        program.step()
        program.restore(changed)
        self.assertEqual([7.0, 8, "x"], program.observe("data[7]"))

    def test_long_rows_are_numbered(self) -> None:
        program = Program("data = [[0.0] * 1000 for _ in range(300)]", "data[7][1] += 1")
        self.assertEqual({}, program.walk.plain.trees)

    def test_time_is_limited(self) -> None:
        module = types.ModuleType(NAME)
        exec("data = [[i] for i in range(100_000)]", module.__dict__)
        with self.assertRaises(StateTooLarge):
            Walk(Roots([], {NAME: module}), 0.001)


def _shared(walk: Walk) -> list[int]:
    with walk.held():
        return walk.look()
