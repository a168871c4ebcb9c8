"""A training script as practitioners write them: material for the analysis tests, never run."""

TORCH_SCRIPT = '''\
#!/usr/bin/env python
"""Train a small CNN on the digits."""

from __future__ import annotations

import argparse
import logging
import math
import random
from pathlib import Path
from typing import Iterator, Optional, Tuple

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

logger = logging.getLogger(__name__)

BEST: dict[str, float] = {}


def seed_everything(seed: int = 0) -> None:
    """Make the run repeatable."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


class Block(nn.Module):
    """Convolution, norm, activation."""

    def __init__(self, inputs: int, outputs: int, dropout: float = 0.1):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.norm = nn.BatchNorm2d(outputs)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.dropout(F.relu(self.norm(self.conv(x))))


class Net(nn.Module):
    def __init__(self, width: int = 16, depth: int = 2):
        super().__init__()
        blocks = []
        previous = 1
        for index in range(depth):
            blocks.append(Block(previous, width * (index + 1)))
            previous = width * (index + 1)
        self.blocks = nn.ModuleList(blocks)
        self.head = nn.Linear(previous * 64, 10)

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return self.head(x.flatten(1))

    @property
    def device(self):
        return next(self.parameters()).device


def load_data(batch_size: int) -> Tuple[DataLoader, DataLoader]:
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 16
    labels = torch.tensor(digits.target)
    split = int(len(images) * 0.8)
    train = TensorDataset(images[:split], labels[:split])
    test = TensorDataset(images[split:], labels[split:])
    return (
        DataLoader(train, batch_size=batch_size, shuffle=True),
        DataLoader(test, batch_size=batch_size),
    )


@torch.no_grad()
def evaluate(model: nn.Module, loader: DataLoader) -> float:
    model.eval()
    correct = total = 0
    for images, labels in loader:
        predicted = model(images).argmax(1)
        correct += (predicted == labels).sum().item()
        total += len(labels)
    model.train()
    return correct / total


def grad_norm(model) -> float:
    return math.sqrt(sum(float(p.grad.norm() ** 2) for p in model.parameters() if p.grad is not None))


def train_epoch(model, loader, optimizer, clip: Optional[float] = None):
    losses = []
    for step, (images, labels) in enumerate(loader):
        optimizer.zero_grad()
        output = model(images)
        loss = F.cross_entropy(output, labels)
        loss.backward()
        if clip is not None:
            nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimizer.step()
        losses.append(loss.item())
        if step % 10 == 0:
            logger.info("step %d loss %.4f", step, loss.item())
    return sum(losses) / len(losses)


def train(args: argparse.Namespace) -> nn.Module:
    train_loader, test_loader = load_data(args.batch_size)
    model = Net(args.width)
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 2)
    best = 0.0
    patience = 3
    for epoch in range(args.epochs):
        loss = train_epoch(model, train_loader, optimizer, args.clip)
        accuracy = evaluate(model, test_loader)
        scheduler.step()
        print(f"epoch {epoch}: loss {loss:.4f} accuracy {accuracy:.3f}")
        if accuracy > best:
            best = accuracy
            BEST["accuracy"] = best
            torch.save(model.state_dict(), Path(args.out) / "best.pt")
        elif patience == 0:
            print("stopping early")
            break
        else:
            patience -= 1
    else:
        print("all epochs done")
    try:
        model.load_state_dict(torch.load(Path(args.out) / "best.pt"))
    except FileNotFoundError as error:
        logger.warning("no best model: %s", error)
    finally:
        logger.info("finished")
    while patience > 0:
        patience -= 1
    return model


def batches(model, loader) -> Iterator[torch.Tensor]:
    for images, _ in loader:
        yield model(images)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--clip", type=float)
    parser.add_argument("--out", default=".")
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO)
    seed_everything(0)
    with torch.autograd.set_detect_anomaly(False):
        model = train(args)
    print("done", sum(p.numel() for p in model.parameters()))


if __name__ == "__main__":
    main()
'''
