"""Pictures with random augmentation, made where they are needed: in the loader's workers."""

import random

import numpy as np
import torch
from torch.utils.data import Dataset, IterableDataset, get_worker_info


def seed_worker(worker_id):
    seed = torch.initial_seed() % 2**32
    np.random.seed(seed)
    random.seed(seed)


class Shapes(Dataset):
    """Squares and crosses, shifted, flipped and dimmed at random."""

    def __init__(self, n, seed):
        self.labels = np.random.RandomState(seed).randint(2, size=n)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        picture = np.zeros((10, 10), dtype=np.float32)
        if self.labels[i]:
            picture[3:7, 3:7] = 1
        else:
            picture[4:6, 2:8] = picture[2:8, 4:6] = 1
        if random.random() < 0.5:
            picture = picture[:, ::-1]
        shift = np.random.randint(-2, 3, size=2)
        picture = np.roll(picture, shift, (0, 1)) * np.random.uniform(0.4, 1.0)
        noise = 0.3 * torch.rand(10, 10)
        return torch.from_numpy(picture.copy()) + noise, int(self.labels[i])


class Noise(IterableDataset):
    """An endless stream of unlabelled pictures, dealt out to the workers."""

    def __init__(self, seed):
        self.seed = seed

    def __iter__(self):
        info = get_worker_info()
        worker, count = (info.id, info.num_workers) if info else (0, 1)
        generator = torch.Generator().manual_seed(self.seed + worker)
        number = worker
        while True:
            yield torch.rand(10, 10, generator=generator) * (1 + number % 3)
            number += count
