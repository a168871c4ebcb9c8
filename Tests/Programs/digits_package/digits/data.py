"""The digits data set, and a loader that shuffles with a generator of its own."""

from typing import Iterator

import numpy as np
import torch
from sklearn.datasets import load_digits


class BatchLoader:
    def __init__(self, images: torch.Tensor, labels: torch.Tensor, batch_size: int, seed: int | None = None):
        self.images = images
        self.labels = labels
        self.batch_size = batch_size
        self.generator = None
        if seed is not None:
            self.generator = torch.Generator().manual_seed(seed)

    def __len__(self) -> int:
        return (len(self.images) + self.batch_size - 1) // self.batch_size

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        if self.generator is None:
            order = torch.arange(len(self.images))
        else:
            order = torch.randperm(len(self.images), generator=self.generator)
        for chunk in order.split(self.batch_size):
            yield self.images[chunk], self.labels[chunk]


def loaders(batch_size: int, seed: int, held_out: float = 0.2) -> tuple[BatchLoader, BatchLoader]:
    digits = load_digits()
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(digits.data))
    cut = int(len(order) * held_out)
    images = torch.tensor(digits.data[order] / 16.0, dtype=torch.float32)
    labels = torch.tensor(digits.target[order])
    train = BatchLoader(images[cut:], labels[cut:], batch_size, seed)
    test = BatchLoader(images[:cut], labels[:cut], 200)
    return train, test
