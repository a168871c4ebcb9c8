"""Decides when a checkpoint is worth its cost.

A checkpoint is paid for by the training time that it covers: a boundary by the time since the last one, a
loop's exit by the time which skipping that loop saves. The authors of Flor weigh the same two times (VLDB
2020, section 5.3); here the unit is time, not a loop.
"""

from __future__ import annotations

from typing import Optional

#: Seconds which recording may take at the start, whatever the budget, so that a short run has checkpoints.
ALLOWANCE = 1.0
#: While the allowance lasts, the time covered must be this many times the cost.
ALLOWANCE_RATIO = 20.0
#: Bytes of state that one run may hand over, roughly, however long it gets.
STATE_LIMIT = 10 * 2**30
#: A boundary in the middle of an inner loop is reached only through its outer loops: it must cover more.
INNER_FACTOR = 5.0
#: Seconds: assumed cost of the first checkpoint.
UNKNOWN_COST = 0.005


class Budget:
    def __init__(self, fraction: float) -> None:
        self.fraction = max(fraction, 1e-6)
        #: Seconds spent by the recorder so far.
        self.spent = 0.0
        #: Seconds that the last checkpoint and the last walk took. The first of each pays for imports and
        #: fresh memory, and tells nothing about those to come.
        self.cost = UNKNOWN_COST
        self.walk_cost = UNKNOWN_COST
        self.size = 0
        self._checkpoints = 0
        self._walks = 0

    def ratio(self) -> float:
        steady = 2.0 / self.fraction
        return min(ALLOWANCE_RATIO, steady) if self.spent < ALLOWANCE else steady

    def affords(self, elapsed: float) -> bool:
        return self.spent + self.cost <= max(ALLOWANCE, self.fraction * elapsed)

    def is_worth(
        self, covered: float, elapsed: float, is_inner: bool = False, walked: bool = False
    ) -> bool:
        """Whether a checkpoint that covers so many seconds of training should be taken now.

        `walked`: the loop's state was walked for this one checkpoint.
        """
        cost = self.cost + self.walk_cost if walked else self.cost
        needed = max(self.ratio() * cost, elapsed * self.size * 8 / STATE_LIMIT)
        if is_inner:
            needed *= INNER_FACTOR
        return covered >= needed and self.affords(elapsed)

    def may_walk(self, expected: Optional[float], elapsed: float) -> bool:
        """Whether to walk the state at a loop's entry; `expected` is how long the loop ran last time."""
        if not self.affords(elapsed):
            return False
        if expected is None:
            return self.spent + self.walk_cost < max(ALLOWANCE / 2, self.fraction * elapsed / 2)
        return expected >= self.ratio() * (self.cost + self.walk_cost)

    def longest_walk(self, elapsed: float) -> float:
        """Seconds after which a walk is given up."""
        return max(ALLOWANCE, self.fraction * elapsed - self.spent)

    def walked(self, seconds: float) -> None:
        self.spent += seconds
        self._walks += 1
        if self._walks > 1:
            self.walk_cost = seconds

    def took(self, seconds: float, size: int) -> None:
        self.spent += seconds
        self.size = size
        self._checkpoints += 1
        if self._checkpoints > 1:
            self.cost = seconds
