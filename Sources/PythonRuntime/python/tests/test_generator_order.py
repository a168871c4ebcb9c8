"""What a generator does stands where its consumer stood by then."""

from __future__ import annotations

import unittest

from .recorded_program import Project, texts
from .test_replaying import with_probe

PROGRAM = """
    def batches(n):
        for start in range(n):
            for half in range(2):
                pair = start, half
                yield pair
        print("drained")


    def weigh(batch):
        total = 0
        for part in range(2):
            total += part * batch[0]
        return total


    for epoch in range(2):
        for batch in batches(3):
            total = weigh(batch)
            print("total", total)
    for batch in list(batches(2)):
        print("last", weigh(batch))
    """


GOES_ON_LATER = """
    import time

    def items():
        for number in range(2):
            time.sleep(0.02)
            yield number

    for epoch in range(2):
        for step in range(2):
            time.sleep(0.02)
            held = items()
            next(held)
        print(list(held))
    """


class GeneratorOrder(unittest.TestCase):
    def test_hits_in_a_generator_and_in_its_consumer_are_in_the_programs_order(self) -> None:
        project = Project({"train.py": PROGRAM})
        self.addCleanup(project.remove)
        recording = project.record("train.py")
        edited = with_probe(PROGRAM, "pair = start", 'print("probe chunk", pair)')
        edited = with_probe(edited, "total += part", 'print("probe part", part)')
        edited = with_probe(edited, 'print("total"', 'print("probe batch", batch)')
        project.write("train.py", edited)
        truth = [
            line for line in project.plain("train.py").stdout.splitlines() if line.startswith("probe")
        ]
        hits = [message for message in recording.replay({"train.py": edited}) if message["t"] == "hit"]
        self.assertEqual(len(truth), 2 * 6 * 4 + 4 * 3)
        self.assertEqual(texts(hits), truth)
        self.assertEqual(texts(sorted(hits, key=lambda hit: hit["key"])), truth)

    def test_what_goes_on_behind_the_loop_that_it_began_in_has_no_place_in_there(self) -> None:
        project = Project({"train.py": GOES_ON_LATER})
        self.addCleanup(project.remove)
        recording = project.record("train.py", budget=1000)
        keys = [m["key"] for m in recording.messages if m["t"] in ("log", "checkpoint")]
        self.assertGreater(len(keys), 6)
        self.assertEqual(keys, sorted(keys))


if __name__ == "__main__":
    unittest.main()
