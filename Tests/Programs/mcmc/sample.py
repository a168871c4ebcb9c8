"""Metropolis sampling with an adaptive step: one loop of 100,000 steps."""

import math
import random
from collections import deque

from target import Banana, autocorrelation

STEPS = 100_000

rng = random.Random(2024)
density = Banana(0.3, 2.0)
x, y = 0.0, 0.0
current = density(x, y)
step, accepted = 1.0, 0
recent = deque(maxlen=500)
kept = []
for t in range(STEPS):
    new_x, new_y = x + step * rng.gauss(0, 1), y + step * rng.gauss(0, 1)
    proposed = density(new_x, new_y)
    if math.log(1.0 - rng.random()) < proposed - current:
        x, y, current = new_x, new_y, proposed
        accepted += 1
        recent.append(1)
    else:
        recent.append(0)
    if t < 20_000 and t % 500 == 499:
        step *= math.exp(sum(recent) / len(recent) - 0.3)
    if t >= 20_000 and t % 40 == 0:
        kept.append((x, y))
    if t % 20_000 == 19_999:
        print(f"step {t} width {step:.6f} accepted {accepted}")
xs = [x for x, _ in kept]
print(f"kept {len(kept)} autocorrelation {autocorrelation(xs, 1):.6f} evaluations {density.evaluations}")
