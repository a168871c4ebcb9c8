from __future__ import annotations

import gc
import sys
import types
import unittest
import weakref

from hindsight_runtime.state import (
    LayoutDiffers,
    Roots,
    StateTooLarge,
    Walk,
    capture,
    difference,
    restore,
)

from hindsight_runtime.state.lost import Lost

from .state_cases import NAME, Program, StateCase


class Walking(StateCase):
    def test_limit_names_the_heaviest_path(self) -> None:
        module = types.ModuleType(NAME)
        module.small, module.data = [[1]], {"train": [[i] for i in range(200_000)]}  # type: ignore[attr-defined]
        with self.assertRaises(StateTooLarge) as caught:
            Walk(Roots([], {NAME: module}), 0.01)
        self.assertEqual(f"{NAME}.data['train']", caught.exception.path)
        self.assertIn("data['train']", str(caught.exception))

    def test_what_stood_for_a_lost_object_is_remembered(self) -> None:
        module = types.ModuleType(NAME)
        module.held = Lost("generator")  # type: ignore[attr-defined]
        walk = Walk(Roots([], {NAME: module}))
        del module.held
        gc.collect()
        self.assertTrue(walk.met_losses)
        self.assertFalse(Walk(Roots([], {NAME: module})).met_losses)

    def test_layout_tells_shapes_apart(self) -> None:
        same = [Program("a = [1]; b = [a, {}]", "").walk.layout for _ in range(2)]
        self.assertEqual(same[0], same[1])
        self.assertNotEqual(same[0], Program("a = [1]; b = [[1], {}]", "").walk.layout)
        self.assertNotEqual(same[0], Program("a = [1]; b = [a, []]", "").walk.layout)
        large = [Program(f"a = list(range({n}, 5000))", "").walk.layout for n in (0, 0, 1)]
        self.assertEqual([True, False], [large[0] == other for other in large[1:]])

    def test_iterators_that_pass_are_the_programs_own(self) -> None:
        """What an iterator makes to tell where it is goes away, and its place is given to another object."""
        program = Program(
            """
            import itertools
            begun, ended = itertools.cycle([1, 2]), itertools.cycle([1])
            inner = iter([4, 5]); outer = enumerate(inner)
            for _ in range(3): next(ended)
            """,
            "",
        )
        names = {id(value): name for name, value in vars(program.module).items()}
        passed = {names.get(identity, "?") for identity in program.walk.passed}
        self.assertLessEqual({"begun", "ended", "inner", "outer"}, passed)
        # What `begun` draws from is held by it alone.
        self.assertEqual(len(program.walk.passed), len(passed))

    def test_user_code_does_not_run(self) -> None:
        program = Program(
            """
            calls = []
            class Meta(type):
                def __instancecheck__(cls, o): calls.append('instancecheck'); return True
                def __subclasscheck__(cls, c): calls.append('subclasscheck'); return True
            class Nosy(metaclass=Meta):
                def __init__(self): object.__setattr__(self, 'x', [1])
                def __getattribute__(self, name): calls.append(name); return object.__getattribute__(self, name)
                def __setattr__(self, name, value): calls.append(name)
                def __eq__(self, other): calls.append('eq'); return True
                def __hash__(self): calls.append('hash'); return 1
                def __bool__(self): calls.append('bool'); return False
                def __len__(self): calls.append('len'); return 0
                def __repr__(self): calls.append('repr'); return ''
                @property
                def __class__(self): calls.append('class'); return int
            old = Nosy(); fresh = None
            """,
            "fresh = [Nosy()]",
        )
        program.step()
        program.module.calls.clear()
        recorded = program.capture()
        self.assertEqual([], program.module.calls)
        program.difference(recorded)
        self.assertEqual([], program.module.calls)
        self.assertIsNone(program.difference(recorded))
        program.restore(recorded)
        self.assertEqual([], program.module.calls)

    def test_what_only_walks_hold_is_not_state(self) -> None:
        """A gradient scaler notes an optimizer under its address, in a dictionary that it then replaces."""
        recorded = []
        for key in (1, 2):
            program = Program("states = {}; held = None", f"states[{key}] = [{key}]; states = {{}}")
            program.walk = Walk(program.roots)
            outer = Walk(program.roots)
            program.step()
            recorded.append(program.capture())
            self.assertEqual(outer.layout, program.walk.layout)
        self.assertIsNone(program.difference(recorded[0]))

    def test_nothing_lives_longer_when_recording(self) -> None:
        module = types.ModuleType(NAME)
        source = """
        class Thing: pass
        thing = Thing(); thing.data = [1]; holder = [Thing()]; loose = {}
        """
        import textwrap

        exec(textwrap.dedent(source), module.__dict__)
        sys.modules[NAME] = module
        roots = Roots([], {NAME: module})
        walk = Walk(roots, keep=False)
        first, inner = weakref.ref(module.thing), weakref.ref(module.holder[0])
        del module.thing
        self.assertIsNone(first())
        del module.holder
        self.assertIsNotNone(inner())
        captured = capture(walk, roots)
        self.assertIsNone(inner())
        self.assertEqual([], captured.lost)
        module.loose["x"] = [walk.count]
        again = capture(walk, roots)
        self.assertIsNone(difference(walk, roots, again.stream, again.buffers))
        self.assertIsNotNone(difference(walk, roots, captured.stream, captured.buffers))

    def test_capturing_leaves_no_garbage(self) -> None:
        program = Program("a = [1]; n = 0", "n += 1; b = {'x': [a]}")
        program.step()
        gc.collect()
        recorded = program.capture()
        program.difference(recorded)
        program.restore(recorded)
        del recorded
        self.assertEqual(0, gc.collect())

    def test_excluded_names_are_left_alone(self) -> None:
        program = Program("a = 1\nclass C:\n    x = 1", "a += 1; C.x += 1")
        roots = Roots([], {NAME: program.module}, lambda owner, name: name.startswith("probe"))
        walk = Walk(roots)
        program.step()
        program.module.probe = program.module.C.probe_of_class = [1]
        captured = capture(walk, roots)
        self.assertEqual(walk.layout, program.walk.layout)
        program.step()
        program.module.probe = program.module.C.probe_of_class = [2]
        restore(walk, roots, captured.stream, captured.buffers)
        self.assertIsNone(difference(walk, roots, captured.stream, captured.buffers))
        module = program.module
        self.assertEqual(
            (2, 2, [2], [2]), (module.a, module.C.x, module.probe, module.C.probe_of_class)
        )

    def test_other_functions_under_way(self) -> None:
        program = Program("n = 0", "n += 1")

        def inside() -> Roots:
            return Roots([sys._getframe()], {NAME: program.module})

        walk = Walk(Roots([], {NAME: program.module}))
        captured = capture(walk, inside())
        with self.assertRaises(LayoutDiffers) as caught:
            restore(walk, Roots([], {NAME: program.module}), captured.stream, captured.buffers)
        self.assertIn("inside()", str(caught.exception))

    def test_damaged_stream(self) -> None:
        program = Program("n = [0]", "n.append(1)")
        recorded = program.capture()
        for stream in (b"", recorded.stream[:20], b"garbage" + recorded.stream):
            with self.assertRaises(LayoutDiffers):
                restore(program.walk, program.roots, stream, [])

    def test_variables_of_the_program_from_locals(self) -> None:
        """What the program got from `locals()` is not changed by reading its variables."""
        if sys.version_info < (3, 12):
            self.skipTest("reading a frame's variables updates that dictionary before Python 3.12")

        def function() -> None:
            first = 1
            mine = locals()
            second = 2
            walk = Walk(Roots([sys._getframe()], {}))
            capture(walk, Roots([sys._getframe()], {}))
            self.assertNotIn("second", mine)
            self.assertEqual((1, 2), (first, second))

        function()


if __name__ == "__main__":
    unittest.main()
