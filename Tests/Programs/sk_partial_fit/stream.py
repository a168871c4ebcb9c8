"""A stream of labelled batches whose distribution drifts."""

import numpy as np
from sklearn.datasets import make_classification


class DriftingStream:
    def __init__(self, rows, batch, random_state):
        self.features, self.labels = make_classification(
            rows, n_features=40, n_informative=12, n_classes=3, random_state=random_state
        )
        self.batch = batch
        self.random = np.random.RandomState(random_state)
        self.position = 0

    def __iter__(self):
        self.position = 0
        self.order = self.random.permutation(len(self.labels))
        return self

    def __next__(self):
        if self.position >= len(self.order):
            raise StopIteration
        chosen = self.order[self.position : self.position + self.batch]
        self.position += self.batch
        drift = 0.05 * self.random.randn(self.features.shape[1])
        return self.features[chosen] + drift, self.labels[chosen]
