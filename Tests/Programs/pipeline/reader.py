"""A pipeline of generators: records, shuffled through a buffer, grouped into batches."""

import itertools
import random


def records(rng, noise=0.1):
    """An endless stream of points on a noisy plane."""
    while True:
        x = [rng.uniform(-1, 1) for _ in range(6)]
        yield x, 2 * x[0] - x[1] + 0.5 * x[2] + rng.gauss(0, noise)


def shuffled(source, size, rng):
    """Each record leaves from a random place of a buffer that stays full."""
    buffer = list(itertools.islice(source, size))
    for record in source:
        slot = rng.randrange(size)
        yield buffer[slot]
        buffer[slot] = record


def batched(source, size):
    while batch := list(itertools.islice(source, size)):
        yield batch


def pipeline(seed, size=16):
    rng = random.Random(seed)
    return batched(shuffled(records(rng), 64, rng), size)
