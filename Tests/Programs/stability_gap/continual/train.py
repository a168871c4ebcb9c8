"""Continual learning with rehearsal: one task after the other, with a reservoir of old examples."""

import argparse

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from .data import PermutedBlobs
from .memory import Reservoir


def build_model(n_features, n_classes, width=64):
    return nn.Sequential(
        nn.Linear(n_features, width), nn.ReLU(), nn.Dropout(0.1), nn.Linear(width, n_classes)
    )


@torch.no_grad()
def accuracy(model, data):
    model.eval()
    inputs, labels = data
    result = (model(inputs).argmax(dim=1) == labels).float().mean().item()
    model.train()
    return result


def rehearsal_loss(model, memory, count):
    examples = memory.sample(count)
    if not examples:
        return 0.0
    inputs = torch.stack([x for x, _ in examples])
    labels = torch.stack([y for _, y in examples])
    return F.cross_entropy(model(inputs), labels)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tasks", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--lr", type=float, default=0.05)
    parser.add_argument("--memory", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    source = PermutedBlobs(1200, 32, 8, torch.Generator().manual_seed(args.seed))
    model = build_model(32, 8)
    optimizer = torch.optim.SGD(model.parameters(), lr=args.lr, momentum=0.9)
    memory = Reservoir(args.memory, seed=args.seed)
    tests = []
    matrix = []

    for task in range(args.tasks):
        train, test = source.task(task)
        tests.append(test)
        loader = DataLoader(TensorDataset(*train), batch_size=args.batch_size, shuffle=True)
        for epoch in range(args.epochs):
            running = 0.0
            for i, (x, y) in enumerate(loader):
                optimizer.zero_grad()
                loss = F.cross_entropy(model(x), y) + rehearsal_loss(model, memory, args.batch_size)
                loss.backward()
                optimizer.step()
                running += loss.item()
            print(f"task {task} epoch {epoch}: loss {running / len(loader):.4f}")
        memory.add(*train)
        matrix.append([accuracy(model, t) for t in tests])
        print(f"task {task}:", " ".join(f"{a:.3f}" for a in matrix[-1]))

    final = matrix[-1]
    print("average accuracy", round(sum(final) / len(final), 4))


if __name__ == "__main__":
    main()
