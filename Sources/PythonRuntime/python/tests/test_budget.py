"""When a checkpoint is worth its cost."""

from __future__ import annotations

import unittest

from hindsight_runtime.budget import ALLOWANCE, ALLOWANCE_RATIO, Budget


class Budgets(unittest.TestCase):
    def simulate(self, iteration: float, cost: float, seconds: float, fraction: float = 0.01) -> Budget:
        """A loop of equal iterations, asked at every boundary."""
        budget = Budget(fraction)
        elapsed = last = 0.0
        self.taken = 0
        while elapsed < seconds:
            elapsed += iteration
            if budget.is_worth(elapsed - last, elapsed):
                budget.took(cost, 1000)
                elapsed += cost
                last = elapsed
                self.taken += 1
        return budget

    def test_a_short_run_has_checkpoints(self) -> None:
        budget = self.simulate(iteration=0.1, cost=0.003, seconds=5)
        self.assertGreaterEqual(self.taken, 25)
        self.assertLessEqual(budget.spent, 5 / ALLOWANCE_RATIO)

    def test_a_long_run_stays_within_the_budget(self) -> None:
        for cost in (0.001, 0.05, 2.0):
            budget = self.simulate(iteration=0.5, cost=cost, seconds=3600)
            self.assertLessEqual(budget.spent, max(ALLOWANCE, 36) + cost)

    def test_a_costly_state_is_not_captured_at_every_step(self) -> None:
        self.simulate(iteration=0.01, cost=0.5, seconds=60)
        self.assertLessEqual(self.taken, 3)

    def test_a_long_run_may_walk_for_longer(self) -> None:
        budget = Budget(0.01)
        self.assertEqual(ALLOWANCE, budget.longest_walk(5))
        self.assertEqual(10, budget.longest_walk(1000))
        budget.walked(4)
        self.assertEqual(6, budget.longest_walk(1000))

    def test_inner_boundaries_must_cover_more(self) -> None:
        budget = Budget(0.01)
        budget.took(0.01, 1000)
        budget.took(0.01, 1000)
        self.assertTrue(budget.is_worth(0.25, 10))
        self.assertFalse(budget.is_worth(0.25, 10, is_inner=True))

    def test_a_long_run_does_not_fill_the_disk(self) -> None:
        budget = Budget(0.5)
        elapsed = last = 0.0
        total = 0
        while elapsed < 8 * 3600:
            elapsed += 1.0
            if budget.is_worth(elapsed - last, elapsed):
                budget.took(0.01, 2**28)
                total += 2**28
                last = elapsed
        self.assertLess(total, 20 * 2**30)


if __name__ == "__main__":
    unittest.main()
