from __future__ import annotations

import gc
import unittest

from .state_cases import StateCase


class Objects(StateCase):
    def test_slots_and_cycles(self) -> None:
        self.check(
            """
            class Node:
                __slots__ = ('value', 'next', 'extra')
                def __init__(self, value): self.value = value; self.next = self
            a, b = Node(1.0), Node(2.0)
            a.next, b.next = b, a
            alias = [a, b]
            """,
            """
            a.value = a.value * 0.9 + b.value
            if hasattr(a, 'extra'): del a.extra
            else: a.extra = Node(a.value); a.extra.next = b
            b.value += 1
            """,
            "a.value, b.value, hasattr(a, 'extra')",
            holds="alias[0] is a and a.next is b and b.next is a",
        )

    def test_dataclasses_enumerations_properties(self) -> None:
        self.check(
            """
            import dataclasses, enum
            class Phase(enum.Enum):
                WARM = 1
                COLD = 2
            @dataclasses.dataclass
            class Options:
                rate: float
                tags: list = dataclasses.field(default_factory=list)
            @dataclasses.dataclass(frozen=True)
            class Result:
                score: float
                options: Options
            class Guarded:
                def __init__(self): self._x = 0
                @property
                def x(self): raise RuntimeError('properties are not read')
                def __getattr__(self, name): raise AttributeError(name)
                def __setattr__(self, name, value): object.__setattr__(self, name, value)
            options, guarded, phase, results = Options(0.1), Guarded(), Phase.WARM, []
            frozen = Result(0.0, options)
            """,
            """
            options.rate *= 0.5
            options.tags.append(phase)
            guarded._x += 1
            phase = Phase.COLD
            results.append(Result(options.rate, options))
            object.__setattr__(frozen, 'score', options.rate)
            """,
            "options, guarded._x, phase, results, frozen",
            holds="results[0].options is options and phase is Phase.COLD",
        )

    def test_subclasses_of_immutable_types(self) -> None:
        self.check(
            """
            import collections
            class Pair(collections.namedtuple('Pair', 'a b')): pass
            class Metres(float): pass
            class Name(str): pass
            pair, length, name, n = Pair([1], 2), Metres(2.5), Name('x'), 0
            pair.note = 0
            """,
            """
            n += 1
            pair.a.append(n); pair.note = n; length.unit = n; name.seen = [n]
            other = Pair(pair.a, n); other.note = n; longer = Metres(n); longer.unit = name; code = Name(str(n))
            """,
            "pair, pair.note, length, length.unit, name.seen, other, other.note, longer, longer.unit, code",
            holds="other.a is pair.a and longer.unit is name and type(longer) is Metres",
        )

    def test_closures_share_variables(self) -> None:
        self.check(
            """
            def counter():
                count, log = 0, []
                def up(step=[1]):
                    nonlocal count
                    count += step[0]; log.append(count)
                    return lambda: count + len(log)
                def read(): return count, log
                return up, read
            up, read = counter()
            made = []
            """,
            "made.append(up()); up.calls = len(made); up.__defaults__[0][0] += 1",
            "read(), [f() for f in made], up.calls, up.__defaults__",
            holds="made[0].__globals__ is counter.__globals__",
        )

    def test_functions_made_anew(self) -> None:
        self.check(
            """
            import functools
            state = {'n': 0}
            def make(n, scale=2):
                def f(x, *, y=[n]):
                    return f.offset + x * scale + len(y) + state['n']
                f.offset = n
                return f
            """,
            """
            state['n'] += 1
            f = make(state['n'])
            g = functools.partial(f, 3)
            h = [lambda: g(), f]
            f.__kwdefaults__['y'].append(state['n'])
            """,
            "f(1), g(), h[0]()",
            holds="h[1] is f and g.func is f",
        )

    def test_methods_and_class_attributes(self) -> None:
        self.check(
            """
            class Trainer:
                count = 0
                history = []
                @classmethod
                def tick(cls): cls.count += 1
                @staticmethod
                def cached(key, memo={}):
                    memo.setdefault(key, len(memo)); return memo
                def hook(self): return self.count
            trainer = Trainer()
            hooks = [trainer.hook]
            """,
            """
            trainer.tick(); Trainer.history.append(Trainer.count); Trainer.cached(Trainer.count)
            hooks.append(trainer.hook); Trainer.fresh = Trainer.count
            """,
            "Trainer.count, Trainer.history, Trainer.cached(1), [h() for h in hooks], Trainer.fresh",
            holds="hooks[1].__self__ is trainer",
        )

    def test_local_classes(self) -> None:
        self.check(
            """
            def build():
                class Local:
                    total = 0
                    def __init__(self, n): self.n = n
                return Local(0), Local
            first, Local = build()
            objects = []
            """,
            "Local.total += 1; objects.append(type(first)(Local.total))",
            "[o.n for o in objects], Local.total",
            holds="type(objects[0]) is Local",
        )

    def test_own_pickling(self) -> None:
        self.check(
            """
            import threading
            class Resource:
                def __init__(self, n=0): self.n = n; self.lock = threading.Lock()
                def __getstate__(self): return {'n': self.n}
                def __setstate__(self, state): self.__dict__.update(state); self.lock = threading.Lock()
            class Reduced:
                def __init__(self, n): self.n = n
                def __reduce__(self): return Reduced, (self.n,)
            kept = Resource(); made = []
            """,
            "kept.n += 1; made.append(Resource(kept.n)); made.append(Reduced(kept.n))",
            "kept.n, [m.n for m in made]",
            holds="not kept.lock.locked() and not made[0].lock.locked()",
        )

    def test_exceptions(self) -> None:
        self.check(
            """
            class Stop(Exception):
                def __init__(self, where, why): super().__init__(where); self.why = why
            first = Stop('a', ['b']); errors = [first]
            """,
            """
            first.why.append(len(errors))
            try: raise Stop('x', len(errors)) from first
            except Stop as stop: errors.append(stop)
            try: 1 / 0
            except ZeroDivisionError as error: errors.append(error)
            try: open('/nowhere/at/all')
            except OSError as error: errors.append(error)
            """,
            "[(type(e).__name__, e.args, getattr(e, 'why', None)) for e in errors]",
            holds="errors[1].__cause__ is first and errors[3].errno == 2",
        )

    def test_weak_references(self) -> None:
        self.check(
            """
            import weakref
            class Thing: pass
            thing = Thing(); thing.n = 0
            held = weakref.ref(thing)
            values = weakref.WeakValueDictionary(a=thing)
            keys = weakref.WeakKeyDictionary({thing: [0]})
            members = weakref.WeakSet([thing])
            things = [thing]
            """,
            """
            thing.n += 1
            fresh = Thing(); fresh.n = thing.n
            things.append(fresh)
            values[str(thing.n)] = fresh; keys[fresh] = thing.n; keys[thing].append(1); members.add(fresh)
            other = weakref.ref(fresh)
            """,
            "thing.n, sorted(values), [(k.n, v) for k, v in keys.items()], len(members), other().n",
            holds="held() is thing and other() is fresh and values['a'] is thing and fresh in members",
        )

    def test_weak_proxies(self) -> None:
        self.check(
            """
            import weakref
            class Thing: pass
            thing = Thing(); thing.n = 0
            held = weakref.proxy(thing)
            things = [thing]; proxies = [held]
            """,
            """
            thing.n += 1
            fresh = Thing(); fresh.n = -thing.n
            things.append(fresh)
            proxies.append(weakref.proxy(fresh)); proxies.append(weakref.proxy(Thing()))
            """,
            "thing.n, held.n, [p.n for p in proxies[:2]], [type(p) for p in proxies]",
            holds="any(r is held for r in weakref.getweakrefs(thing)) and "
            "any(r is proxies[1] for r in weakref.getweakrefs(things[1]))",
        )

    def test_random_generators(self) -> None:
        self.check(
            """
            import random
            own = random.Random(3)
            random.seed(5)
            drawn = []
            """,
            """
            drawn.append((own.random(), random.gauss(0, 1), random.random()))
            other = random.Random(len(drawn)); other.random()
            """,
            "drawn, own.getstate()[1][:3], random.getstate()[1][:3], other.getstate()[1][:3]",
        )

    def test_iterators(self) -> None:
        self.check(
            """
            items = [10, 20, 30, 40, 50]
            plain = iter(items); numbered = enumerate(iter(items)); zipped = zip(items, plain)
            mapped = map(str, range(100)); keys = iter({'a': 1, 'b': 2, 'c': 3}); back = reversed(items)
            counted = iter(range(9)); holder = {'it': iter('text')}; pair = (iter(items), 'x')
            seen = []
            """,
            """
            seen.append((next(numbered), next(zipped), next(mapped), next(keys), next(back), next(counted)))
            seen.append((next(holder['it']), next(pair[0])))
            fresh = iter(items); next(fresh)
            """,
            "seen",
        )

    def test_iterators_of_itertools(self) -> None:
        import sys

        if sys.version_info >= (3, 14):
            self.skipTest("these no longer say where they are")
        self.check(
            """
            import itertools
            cycle = itertools.cycle('abc'); count = itertools.count(5, 2)
            chain = itertools.chain([1, 2], [3, 4]); some = itertools.islice(range(100), 3, 50, 2)
            seen = []
            """,
            "seen.append((next(cycle), next(count), next(chain), next(some)))",
            "seen",
        )

    def test_generators(self) -> None:
        self.check(
            """
            untouched = (i for i in range(3))
            ending = (i for i in range(1))
            n = 0
            """,
            "n += 1; done = list(ending); finished = (i for i in ()); list(finished)",
            "n, done, list(finished)",
        )

    def test_locks_and_logs_stay(self) -> None:
        self.check(
            """
            import threading, logging, sys, re, pathlib, datetime
            lock = threading.RLock(); event = threading.Event(); log = logging.getLogger('x'); out = sys.stdout
            n = 0
            """,
            """
            n += 1
            inner = threading.Lock(); condition = threading.Condition(); logger = logging.getLogger('y')
            pattern = re.compile('a+'); path = pathlib.Path('/tmp') / str(n); date = datetime.date(2020, 1, n)
            if n == 2: event.set()
            """,
            "n, pattern, path, date, event.is_set()",
            holds="logger is logging.getLogger('y')",
        )

    def test_open_files_keep_their_place(self) -> None:
        self.check(
            """
            import tempfile, os
            name = os.path.join(tempfile.gettempdir(), 'hindsight_state_file')
            with open(name, 'w') as writer: writer.write('one\\ntwo\\nthree\\nfour\\n')
            text, data = open(name), open(name, 'rb')
            def closing():
                for file in (text, data): file.close()
            lines = []
            """,
            """
            lines.append((text.readline(), data.readline()))
            with open(name) as closed: closed.readline()
            """,
            "lines, text.tell(), data.tell()",
            holds="closed.closed",
        )

    def test_long_chains_made_in_the_loop(self) -> None:
        self.check(
            """
            class Node:
                def __init__(self, value, before): self.value, self.before, self.seen = value, before, {before}
            last = Node(0, None); index = {}
            """,
            """
            for i in range(5000): last = Node(last.value + 1, last); index[i] = (last, [last])
            depth, node = 0, last
            while node.before is not None: depth, node = depth + 1, node.before
            """,
            "last.value, depth, len(index), last.before.before.value",
            holds="index[4999][0] is last and last.before in last.seen and index[4999][1][0] is last",
        )

    def test_library_objects_made_in_the_loop(self) -> None:
        self.check(
            "import time, os, struct, decimal, types, subprocess, random, sys; n = 0",
            """
            n += 1
            when = time.gmtime(n); packer = struct.Struct('>i'); price = decimal.Decimal(n) / 3
            space = types.SimpleNamespace(n=[n]); entropy = random.SystemRandom(); out = sys.stderr
            done = subprocess.CompletedProcess(['x'], n); table = {n: [n]}; keys = table.keys()
            shown = types.MappingProxyType(table); limits = decimal.getcontext().copy(); size = os.stat_result(range(10))
            """,
            "when, packer.pack(n), price, space, done, list(keys), dict(shown), size, n",
            holds="table.setdefault(9, 1) and 9 in keys and shown[9] == 1 and not table.pop(9) - 1 and out is sys.stderr",
        )

    def test_modules_in_variables(self) -> None:
        self.check("n = 0", "n += 1; import json as codec; dumps = codec.dumps", "n, dumps(n)")


class Lost(StateCase):
    def test_generators_under_way_are_named(self) -> None:
        from .state_cases import NAME, Program

        program = Program(
            """
            class Trainer: pass
            trainer = Trainer(); trainer.stream = (i for i in range(100))
            """,
            "x = next(trainer.stream); inner = {'a': [(i for i in range(3))]}; next(inner['a'][0])",
        )
        program.step()
        recorded = program.capture()
        self.assertEqual(sorted(recorded.lost), [f"{NAME}.inner['a'][0]", f"{NAME}.trainer.stream"])
        self.assertIsNone(program.difference(recorded))

    def test_a_generator_is_not_brought_to_where_it_was_from_another_place(self) -> None:
        from hindsight_runtime.state import LayoutDiffers

        from .state_cases import Program

        preamble = """
            ended = []
            def numbers(count):
                try:
                    yield from range(count)
                finally:
                    ended.append(count)
            stream = numbers(2)
            """
        recorded, anew = Program(preamble, "next(stream, 0)"), Program(preamble, "next(stream, 0)")
        untouched = recorded.capture()
        for _ in range(3):
            recorded.step()
        finished = recorded.capture()
        anew.step()
        with self.assertRaisesRegex(LayoutDiffers, "stream` is in the middle of its work"):
            anew.restore(finished)
        with self.assertRaisesRegex(LayoutDiffers, "stream` has begun its work"):
            anew.restore(untouched)
        self.assertEqual(anew.observe("ended"), [])

    def test_what_only_weak_references_reach_is_lost(self) -> None:
        from .state_cases import NAME, Program

        program = Program(
            """
            import weakref
            class Node:
                def __init__(self): self.next = self
            held = Node()
            values, keys = weakref.WeakValueDictionary(), weakref.WeakKeyDictionary()
            """,
            """
            values['held'] = keys[held] = held; held.ref = weakref.ref(held.next)
            values['int'] = int
            fresh = Node(); values['fresh'] = keys[fresh] = fresh; refs = [weakref.ref(fresh)]
            """,
        )
        gc.disable()  # else a collection could take the unreachable away before it is looked for
        self.addCleanup(gc.enable)
        program.step()
        self.assertEqual(program.capture().lost, [])
        for name in ("fresh = None", "keys.clear()"):
            exec(name, program.module.__dict__)
        lost = program.capture().lost
        self.assertEqual(sorted(lost), [f"{NAME}.refs[0]", f"{NAME}.values"])

    def test_iterators_over_lost_ones_are_made_again(self) -> None:
        from hindsight_runtime.state import LostStateUsed

        from .state_cases import Program

        program = Program(
            "import itertools",
            """
            stream = (i for i in range(9)); pairs = zip(stream, 'abc'); next(pairs)
            counted = enumerate(stream); some = itertools.islice(stream, 1, 3); turns = itertools.cycle(stream)
            both = itertools.chain([0], stream); next(both); next(both); mapped = map(str, stream)
            chosen = filter(None, stream)
            """,
        )
        program.step()
        recorded = program.capture()
        self.assertEqual(len(recorded.lost), 1)
        self.assertIsNone(program.difference(recorded))
        program.restore(recorded)
        for name in ("pairs", "counted", "some", "turns", "both", "mapped", "chosen"):
            with self.assertRaises(LostStateUsed, msg=name):
                program.observe(f"next({name})")

    def test_use_of_a_lost_object_raises(self) -> None:
        from hindsight_runtime.state import LostStateUsed

        from .state_cases import Program

        program = Program("n = 0", "g = (i for i in range(9)); next(g)")
        program.step()
        recorded = program.capture()
        program.restore(recorded)
        for use in ("next(g)", "str(g)", "g.x", "f'{g}'", "bool(g)", "g + 1", "list(g)"):
            with self.assertRaises(LostStateUsed, msg=use):
                program.observe(use)


if __name__ == "__main__":
    unittest.main()
