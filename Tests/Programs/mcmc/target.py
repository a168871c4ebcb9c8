"""The density to be sampled: a banana in two dimensions."""

import math


class Banana:
    evaluations = 0

    def __init__(self, bend, width):
        self.bend = bend
        self.width = width

    def __call__(self, x, y):
        Banana.evaluations += 1
        return -0.5 * ((x / self.width) ** 2 + (y - self.bend * (x * x - self.width**2)) ** 2)


def autocorrelation(values, lag):
    mean = math.fsum(values) / len(values)
    centred = [value - mean for value in values]
    return math.fsum(a * b for a, b in zip(centred, centred[lag:])) / math.fsum(a * a for a in centred)
