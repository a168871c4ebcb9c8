"""Loops over iterators that the program itself has written."""

from __future__ import annotations

import unittest

from .recorded_program import Project, texts

ITERATOR = """
    import random, time
    random.seed(1)

    class Stream:
        started = 0

        def __iter__(self):
            Stream.started += 1
            self.left = 5
            self.offset = random.random()
            return self

        def __next__(self):
            if not self.left:
                raise StopIteration
            self.left -= 1
            return self.offset + random.random()

    class Steps:
        '''Starts an iterator that is not iterable itself.'''
        def __iter__(self):
            return Step()

    class Step:
        def __init__(self):
            self.n = 0
        def __next__(self):
            self.n += 1
            if self.n > 3:
                raise StopIteration
            return self.n

    total = 0.0
    stream = Stream()
    for epoch in range(6):
        for value in stream:
            total += value
            time.sleep(0.01)
        for step in Steps():
            total += step
        print(epoch, total, Stream.started)
    """


class IteratorsOfPrograms(unittest.TestCase):
    def test_are_started_once_for_each_loop(self) -> None:
        project = Project({"train.py": ITERATOR})
        self.addCleanup(project.remove)
        plain = project.plain("train.py")
        recording = project.record("train.py", budget=1000)
        self.assertEqual(recording.result.stderr, "")
        self.assertEqual(recording.result.stdout, plain.stdout)
        messages = recording.replay(checks="all")
        self.assertEqual(texts(messages, "log"), plain.stdout.splitlines())
        differences = [m["difference"] for m in messages if m["t"] == "check"]
        self.assertEqual(differences, [None] * len(differences))
        self.assertTrue(differences)

    def test_inside_a_librarys_generator_are_found(self) -> None:
        from hindsight_runtime.loops import driven_by_generator

        def of_the_program():
            yield 1

        def of_a_library(items):
            yield from items

        def is_project_code(code):
            return code is of_the_program.__code__

        self.assertTrue(driven_by_generator(of_a_library(of_the_program()), is_project_code))
        self.assertTrue(driven_by_generator(enumerate(of_the_program()), is_project_code))
        self.assertFalse(driven_by_generator(of_a_library(range(3)), is_project_code))


if __name__ == "__main__":
    unittest.main()
