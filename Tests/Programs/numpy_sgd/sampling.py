"""Where the batches come from."""

import numpy as np


class Sampler:
    """Draws batches without replacement, and keeps noise of its own apart from their order."""

    drawn = 0

    def __init__(self, size, batch, seed):
        parent = np.random.default_rng(seed)
        self.order, self.noise = parent.spawn(2)
        self.size = size
        self.batch = batch

    def epoch(self):
        permutation = self.order.permutation(self.size)
        for start in range(0, self.size, self.batch):
            yield permutation[start : start + self.batch]

    def jitter(self, rows, scale):
        noise = self.noise.normal(0.0, scale, rows.shape)
        Sampler.drawn += noise.size
        return rows + noise
