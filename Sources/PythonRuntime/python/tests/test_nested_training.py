"""Training in functions that call themselves, and in functions within functions."""

from __future__ import annotations

import unittest

from .test_generators_at_rest import Comparison

RECURSIVE = """
    import random, time

    random.seed(4)
    history = []

    def fit(depth, weights):
        for epoch in range(3):
            for step in range(2):
                weights[depth] += random.random()
                time.sleep(0.005)
            if depth:
                fit(depth - 1, weights)
            time.sleep(0.01)
            history.append(sum(weights))
        print(depth, epoch, weights)

    weights = [0.0, 0.0, 0.0]
    fit(2, weights)
    print(history, random.random())
    """

NESTED = """
    import random, time

    random.seed(4)

    def experiment(rounds):
        weights, count = [0.0, 0.0], 0

        def fit(rate):
            nonlocal count
            for epoch in range(4):
                count += 1
                for step in range(2):
                    weights[step] += rate * random.random()
                    time.sleep(0.01)
            return count

        for turn in range(rounds):
            print(turn, fit(0.1 * turn), weights)
        return weights

    print(experiment(4), random.random())
    """


class NestedTraining(unittest.TestCase):
    def test_in_a_function_that_calls_itself(self) -> None:
        needed = ("boundary", "for epoch", 1), ("boundary", "for epoch", 3), ("exit", "for step")
        run = Comparison(
            self, RECURSIVE, "weights[depth] +=", 'print("P", depth, epoch, weights)', *needed
        )
        for which in needed:
            run.assert_jumps(run.usable(*which)[-1])

    def test_in_a_function_within_a_function(self) -> None:
        needed = ("boundary", "for turn"), ("boundary", "for epoch"), ("exit", "for step")
        run = Comparison(self, NESTED, "weights[step] +=", 'print("P", count, weights)', *needed)
        for which in needed:
            run.assert_jumps(run.usable(*which)[-1])


if __name__ == "__main__":
    unittest.main()
