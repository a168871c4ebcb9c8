"""One block of an alternating least squares problem."""

from dataclasses import dataclass, field

import numpy as np


@dataclass
class Block:
    """One side's factors; the other side is held fixed while they are solved for."""

    name: str
    factors: np.ndarray
    weight: float = 0.1
    solves: int = 0
    residuals: list = field(default_factory=list)

    def solve(self, other, ratings, known):
        ridge = self.weight * np.eye(self.factors.shape[1])
        for row in range(len(self.factors)):
            columns = known[row]
            basis = other.factors[columns]
            self.factors[row] = np.linalg.solve(basis.T @ basis + ridge, basis.T @ ratings[row, columns])
        self.solves += 1

    def norm(self):
        return float(np.linalg.norm(self.factors))
