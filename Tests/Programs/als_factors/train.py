"""Matrix factorisation by alternating least squares over two blocks, sweep by sweep."""

import numpy as np

from blocks import Block

SWEEPS = 40
RANK = 6

rng = np.random.default_rng(11)
users, items = 240, 180
truth = rng.normal(size=(users, RANK)) @ rng.normal(size=(RANK, items))
ratings = truth + 0.3 * rng.normal(size=truth.shape)
observed = rng.random(ratings.shape) < 0.3
by_user = [np.flatnonzero(row) for row in observed]
by_item = [np.flatnonzero(column) for column in observed.T]

left = Block("users", rng.normal(scale=0.1, size=(users, RANK)))
right = Block("items", rng.normal(scale=0.1, size=(items, RANK)))
sides = ((left, right, ratings, by_user), (right, left, ratings.T, by_item))


def error():
    guess = left.factors @ right.factors.T
    return float(np.sqrt(np.mean((guess - ratings)[observed] ** 2)))


history = [error()]
print(f"start {history[0]:.6f}")
for sweep in range(SWEEPS):
    for block, other, table, known in sides:
        block.solve(other, table, known)
        block.residuals.append(error())
    history.append(error())
    print(f"sweep {sweep} error {history[-1]:.6f}")
    if history[-2] - history[-1] < 1e-9:
        print("converged")
        break
    if sweep == 20:
        # A weaker penalty once the factors are near.
        for block in (left, right):
            block.weight *= 0.5
else:
    print("all sweeps made")
print(f"{left.solves + right.solves} solves, distance {abs(left.norm() - right.norm()):.6f}")
