"""A clock's value is the recorded one, or it is marked, whatever name it was read by."""

from __future__ import annotations

import unittest

from .recorded_program import Project, texts

LIBRARY = """
    import time
    from time import perf_counter as tick

    def now(): return time.time()

    def work(n):
        began = time.perf_counter()
        return None if time.perf_counter() < began else n
    """

#: What stands in front of the loop, and what gives `x` in it.
KNOWN = (
    ("from timeit import default_timer as timer", "x = timer()"),
    ("import timeit", "x = timeit.default_timer(), timeit.timeit('pass', number=3)"),
    ("import time; clock = time.perf_counter; again = clock", "x = again()"),
    ("import time\ndef f(now=time.time): return now()", "x = f()"),
    ("import time\nclass T:\n    def __init__(self, c): self.c = c\nt = T(c=time.monotonic)", "x = t.c()"),
    ("import time", "x = time.clock_gettime(time.CLOCK_MONOTONIC), time.process_time_ns(), time.ctime()"),
    ("from datetime import datetime as d", "x = d.now(), d.today()"),
    ("import os, resource", "x = os.times(), resource.getrusage(0)"),
)
UNKNOWN = (
    ("import time; clocks = [time.time]", "x = clocks[0]()"),
    ("import time, functools; p = functools.partial(time.perf_counter_ns)", "x = p()"),
    ("import datetime\nclass D(datetime.datetime): pass", "x = D.now().isoformat()"),
    ("import os; open('out', 'w').close()", "x = os.path.getmtime('out')"),
    ("from libclock import tick", "x = tick()"),
    ("import libclock", "x = libclock.now()"),
    ("import asyncio; loop = asyncio.new_event_loop()", "x = loop.time()"),
)


class Clocks(unittest.TestCase):
    def replay(self, before: str, step: str, probe: str) -> tuple[list[str], list[str], list[str]]:
        """The truth, what the probe gave, and what was told."""
        start = f"import sys; sys.path.insert(0, 'site-packages')\n{before}\nfor e in range(3):\n    {step}\n"
        source = start + "    open('truth.txt', 'a').write(f'{x}\\n')\n"
        project = Project({"site-packages/libclock.py": LIBRARY})
        self.addCleanup(project.remove)
        with open(f"{project.root}/train.py", "w", encoding="utf-8") as file:
            file.write(source)
        recording = project.record("train.py", budget=1e-9)
        self.assertEqual(recording.result.returncode, 0, recording.result.stderr)
        messages = recording.replay({"train.py": source + f"    print({probe})\n"})
        told = [m["reason"] for m in messages if m["t"] == "file"]
        return project.read("truth.txt").splitlines(), texts(messages), told

    def test_other_names_of_clocks_give_what_they_gave(self) -> None:
        for before, step in KNOWN:
            with self.subTest(step, before=before):
                truth, got, told = self.replay(before, step, "x")
                self.assertEqual((got, told), (truth, []))

    def test_what_was_not_recorded_is_told(self) -> None:
        for before, step in UNKNOWN:
            with self.subTest(step, before=before):
                _, _, told = self.replay(before, step, "x")
                self.assertTrue(told)
                self.assertIn("gives something else in a replay than in the run", told[0])

    def test_a_probe_that_reads_a_clock_is_told(self) -> None:
        for before, step in (*KNOWN[:2], *UNKNOWN[-3:]):
            with self.subTest(step, before=before):
                _, _, told = self.replay(before, "x = 0", step.partition("= ")[2])
                self.assertTrue(told)

    def test_what_libraries_do_with_clocks_besides_is_not(self) -> None:
        before = "import libclock, logging, threading; lock = threading.Condition(); log = logging.getLogger()"
        step = "x = libclock.work(e); log.warning('x'); lock.acquire(); lock.wait(0.001); lock.release()"
        truth, got, told = self.replay(before, step, "x")
        self.assertEqual((got, told), (truth, []))


if __name__ == "__main__":
    unittest.main()
