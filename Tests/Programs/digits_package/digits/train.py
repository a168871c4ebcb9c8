"""Entry point: python -m digits.train --epochs 6"""

from __future__ import annotations

import argparse
import logging

import torch

from .data import loaders
from .engine import Engine
from .model import ResidualMLP


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="digits.train")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--weight-decay", type=float, default=1e-2)
    parser.add_argument("--clip", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=3)
    return parser.parse_args(argv)


def main() -> None:
    args = parse_args()
    logging.basicConfig(level=logging.INFO, format="[%(name)s] %(message)s")
    torch.manual_seed(args.seed)

    train, test = loaders(args.batch_size, args.seed)
    model = ResidualMLP()
    engine = Engine(model, args.lr, args.weight_decay, args.clip, total_steps=args.epochs * len(train))
    history = engine.fit(train, test, args.epochs)

    best = max(history.test_accuracy)
    print(f"best accuracy {best:.4f} in epoch {history.test_accuracy.index(best)}")


if __name__ == "__main__":
    main()
