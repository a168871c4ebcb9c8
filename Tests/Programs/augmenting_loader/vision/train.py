"""Consistency training with labelled pictures and a stream of unlabelled ones."""

import random

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, WeightedRandomSampler

from .data import Noise, Shapes, seed_worker


def make_loaders(seed):
    shapes = Shapes(320, seed)
    weights = np.where(shapes.labels == 1, 3.0, 1.0)
    sampler = WeightedRandomSampler(weights, num_samples=256)
    labelled = DataLoader(
        shapes, batch_size=16, sampler=sampler, num_workers=2, worker_init_fn=seed_worker, persistent_workers=True
    )
    unlabelled = DataLoader(Noise(seed), batch_size=8)
    return labelled, unlabelled


def main():
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)
    labelled, unlabelled = make_loaders(seed=3)
    stream = iter(unlabelled)
    model = nn.Sequential(nn.Flatten(), nn.Linear(100, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.Adagrad(model.parameters(), lr=0.03)
    seen = {0: 0, 1: 0}
    for epoch in range(5):
        correct = 0
        for x, y in labelled:
            noise = next(stream)
            smooth = (model(noise).softmax(1) - model(noise.flip(2)).softmax(1)).square().mean()
            logits = model(x)
            loss = nn.functional.cross_entropy(logits, y) + smooth
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            correct += (logits.argmax(1) == y).sum().item()
            for label in y.tolist():
                seen[label] += 1
        print(f"epoch {epoch}: accuracy {correct / 256:.3f} seen {seen}")
    print("seen", seen)


if __name__ == "__main__":
    main()
