"""What no recording holds is told where the program turns to it, and nothing else is."""

from __future__ import annotations

import importlib.util
import textwrap
import unittest
from typing import Any

from .recorded_program import Project

HAS_TORCH = importlib.util.find_spec("torch") is not None


class Told(unittest.TestCase):
    def replayed(self, program: str, **plan: Any) -> list[dict[str, Any]]:
        project = Project({"train.py": textwrap.dedent(program)})
        self.addCleanup(project.remove)
        recording = project.record("train.py", budget=0.5)
        self.assertEqual(recording.result.returncode, 0, recording.result.stderr)
        #: What the run itself wrote.
        self.logged = recording.result.stdout.rstrip("\n")
        return recording.replay(**plan)

    def told(self, program: str, **plan: Any) -> list[str]:
        return [m["reason"] for m in self.replayed(program, **plan) if m["t"] == "file"]


class Companions(Told):
    def test_threads_of_pools_and_timers_are_told(self) -> None:
        for program in (
            """
            from concurrent.futures import ThreadPoolExecutor, as_completed
            with ThreadPoolExecutor(2) as pool:
                print(len([f.result() for f in as_completed([pool.submit(pow, 2, n) for n in range(9)])]))
            """,
            """
            from multiprocessing.pool import ThreadPool
            done = []
            with ThreadPool(2) as pool:
                pool.map(done.append, range(9))
            """,
            """
            import threading
            timer = threading.Timer(0.001, print)
            timer.start(); timer.join()
            """,
            """
            import threading
            def work(): pass
            thread = threading.Thread(target=work)
            thread.start(); thread.join()
            """,
            """
            import asyncio
            async def main():
                loop = asyncio.get_running_loop()
                await loop.run_in_executor(None, len, "abc")
            asyncio.run(main())
            """,
        ):
            with self.subTest(program):
                told = self.told(program)
                self.assertTrue(told)
                self.assertTrue(
                    all("train.py:" in reason and "at times of its own" in reason for reason in told)
                )

    def test_processes_are_told(self) -> None:
        for method in ("fork", "spawn", "forkserver"):
            program = f"""
                import multiprocessing
                if __name__ == "__main__":
                    context = multiprocessing.get_context("{method}")
                    with context.Pool(2) as pool:
                        found = list(pool.imap_unordered(abs, range(9)))
                """
            with self.subTest(method):
                told = self.told(program)
                self.assertTrue(
                    any("process that the program started (train.py:5)" in t for t in told), told
                )

    def test_a_companion_that_has_ended_is_told_no_longer_behind_a_check(self) -> None:
        program = """
            import threading, time
            def work():
                while waits: time.sleep(0.01)
            waits = IS_LONG
            thread = threading.Thread(target=work)
            thread.start()
            if not waits: thread.join()
            for epoch in range(6):
                time.sleep(0.06)
            waits = False
            """
        for is_long in (False, True):
            with self.subTest(is_long=is_long):
                messages = self.replayed(program.replace("IS_LONG", str(is_long)), checks="all")
                checks = [m for m in messages if m["t"] == "check"]
                self.assertTrue(checks)
                self.assertEqual({m["difference"] for m in checks}, {None})
                told = [m for m in messages if m["t"] == "file"]
                self.assertTrue(all(m["passes"] for m in told))
                self.assertEqual(len(told), 1 + (len(checks) if is_long else 0))

    def test_functions_of_the_program_in_a_library_thread_are_told(self) -> None:
        library = """
            import threading
            def each(function, items):
                threads = [threading.Thread(target=lambda: [function(x) for x in items])]
                for t in threads: t.start()
                for t in threads: t.join()
            """
        for function, count in (("double", 1), ("str", 0)):
            project = Project(
                {
                    "train.py": f"""
                        import sys
                        sys.path.insert(0, "site-packages")
                        import pooled
                        def double(x): return 2 * x
                        pooled.each({function}, [1, 2, 3])
                        print("done")
                        """,
                    "site-packages/pooled.py": library,
                }
            )
            self.addCleanup(project.remove)
            told = [m["reason"] for m in project.record("train.py").replay() if m["t"] == "file"]
            self.assertEqual(len(told), count, told)
            for reason in told:
                self.assertIn("double (train.py:", reason)

    @unittest.skipUnless(HAS_TORCH, "torch is not installed")
    def test_the_workers_of_a_data_loader_are_not(self) -> None:
        program = """
            import torch
            from torch.utils.data import DataLoader
            loader = DataLoader(list(range(8)), batch_size=2, num_workers=2)
            total = sum(int(b.sum()) for b in loader)
            x = torch.ones(3, requires_grad=True)
            x.register_hook(lambda gradient: gradient * 2)
            x.sum().backward()
            print(total, x.grad)
            """
        self.assertEqual(self.told(program), [])

    def test_threads_that_only_carry_log_records_are_not(self) -> None:
        program = """
            import logging, logging.handlers, queue
            records = queue.Queue()
            listener = logging.handlers.QueueListener(records, logging.StreamHandler())
            listener.start()
            logger = logging.getLogger("t")
            logger.addHandler(logging.handlers.QueueHandler(records))
            logger.warning("careful")
            listener.stop()
            """
        self.assertEqual(self.told(program), [])


class SetOrder(Told):
    THINGS = """
        import itertools, random, weakref
        from collections import namedtuple
        class Thing:
            def __init__(self, n): self.n = n
        class Key:
            def __init__(self, thing): self.thing = thing
            def __hash__(self): return hash(self.thing)
            def __eq__(self, other): return self.thing is other.thing
        things = [Thing(n) for n in range(9)]
        some = set(things)
        x = EXPRESSION
        """

    def told_of(self, expression: str) -> list[str]:
        return self.told(textwrap.dedent(self.THINGS).replace("x = EXPRESSION", expression))

    def test_what_follows_the_order_is_told(self) -> None:
        for expression in (
            "x = [t.n for t in some]",
            "x = list(map(lambda t: t.n, some))",
            "x = list(filter(None, some))",
            "x = list(zip(range(9), some))",
            "x = [*some]",
            "x = some.pop()",
            "x, *y = some",
            "x = next(iter(some))",
            "x = []; x.extend(some)",
            "x = []; x += some",
            "x = [0]; x[:] = some",
            "x = sorted(some, key=lambda t: t.n // 2)",
            "x = min(some, key=lambda t: t.n // 2)",
            "x = max(some, key=lambda t: 0)",
            "x = dict.fromkeys(some)",
            "x = [t for group in {1: some}.values() for t in group]",
            "x = list(itertools.chain.from_iterable({1: some, 2: {3}}.values()))",
            "x = list(itertools.chain(*{1: some}.values()))",
            "x = f'{some}'",
            "x = sum(t.n / 7 for t in some | {things[0]})",
            "x = [t.n for t, _ in {(t, 1) for t in things}]",
            "x = [k.thing.n for k in {Key(t) for t in things}]",
            "x = [t.n for t in weakref.WeakSet(things)]",
            "x = [kind.__name__ for kind in {int, str, Thing, Key}]",
            "x = hash(things[0]) % 7",
            "import heapq; x = heapq.nsmallest(3, some, key=lambda t: 0)",
        ):
            with self.subTest(expression):
                told = self.told_of(expression)
                self.assertTrue(any("depends on addresses" in reason for reason in told), told)

    def test_what_does_not_follow_it_is_not(self) -> None:
        for expression in (
            "x = things[0] in some, len(some), some & {things[1]}, some == set(things), bool(some)",
            "some.add(things[2]); some.discard(things[3]); some.update(things)",
            "x = sorted(some, key=lambda t: t.n)[0]; y = min(some, key=lambda t: t.n)",
            "x = [c for c in set('some text')], {1, 2.5, 'a'}.pop(), list({(1, 'a'), (2, 'b')})",
            "x = list({t: t.n for t in things}), list({'a': some})",
            "def count(items): return len(items)\nx = count(some)",
            "Point = namedtuple('Point', 'x y'); x = list({Point(1, 2), Point(3, 4)})",
            "x = hash('a'), hash((1, 2.5)), Key(things[0]) in {Key(t) for t in things}",
            "x = [n for n in {1.5, float('inf')}]",
        ):
            with self.subTest(expression):
                self.assertEqual(self.told_of(expression), [])

    def test_probes_are_watched_as_well(self) -> None:
        project = Project({"train.py": textwrap.dedent(self.THINGS).replace("x = EXPRESSION", "")})
        self.addCleanup(project.remove)
        recording = project.record("train.py")
        edited = project.read("train.py") + "print([t.n for t in some])\n"
        told = [m["reason"] for m in recording.replay({"train.py": edited}) if m["t"] == "file"]
        self.assertEqual(len(told), 1)
        self.assertIn("depends on addresses", told[0])

    def test_an_address_in_the_text_of_a_probe_concerns_that_hit_alone(self) -> None:
        project = Project({"train.py": textwrap.dedent(self.THINGS).replace("x = EXPRESSION", "")})
        self.addCleanup(project.remove)
        recording = project.record("train.py")
        edited = project.read("train.py") + "print(things[0])\nprint(things[0].n)\nprint(hex(1 << 40))\n"
        messages = recording.replay({"train.py": edited})
        told = [m for m in messages if m["t"] == "file"]
        hits = [m for m in messages if m["t"] == "hit"]
        self.assertEqual(len(hits), 3)
        self.assertEqual([(m["key"], m["end"]) for m in told], [(hits[0]["key"], [*hits[0]["key"], 0])])
        self.assertIn("address", told[0]["reason"])

    @unittest.skipUnless(HAS_TORCH, "torch is not installed")
    def test_the_pointers_of_tensors_replay(self) -> None:
        program = "import torch\nt = [torch.ones(n) for n in range(9)]\nprint(sorted(x.data_ptr() for x in t))\n"
        messages = self.replayed(program)
        self.assertEqual([m for m in messages if m["t"] == "file"], [])
        self.assertEqual(len({m["text"] for m in messages if m["t"] == "log"} | {self.logged}), 1)


if __name__ == "__main__":
    unittest.main()
