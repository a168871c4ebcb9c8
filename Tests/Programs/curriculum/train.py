"""Learning to add binary numbers, longer and longer ones: the training loop is a generator."""

import contextlib
import time

import torch
from torch import nn


class Adder(nn.Module):
    def __init__(self, width=20):
        super().__init__()
        self.rnn = nn.LSTM(2, width, batch_first=True)
        self.out = nn.Linear(width, 1)

    def forward(self, bits):
        return self.out(self.rnn(bits)[0])[..., 0]


def problems(n, digits, generator):
    powers = 2 ** torch.arange(digits)
    a, b = (torch.randint(2**digits, (n,), generator=generator) for _ in range(2))
    bits = torch.stack([(v[:, None] // powers) % 2 for v in (a, b)], dim=2).float()
    return bits, (((a + b)[:, None] // powers) % 2).float()


@contextlib.contextmanager
def timed(report):
    began = time.perf_counter()
    try:
        yield
    finally:
        report["seconds"] = time.perf_counter() - began


def solve(depth, step, limit):
    """Bisects the number of digits that the model has mastered."""
    if depth >= limit:
        return depth
    for _ in range(2):
        if step(depth) < 0.05:
            return solve(depth + 1, step, limit)
    return depth


def training(model, optimizer, generator, levels, steps):
    for level in levels:
        for step in range(steps):
            bits, sums = problems(32, level, generator)
            loss = nn.functional.binary_cross_entropy_with_logits(model(bits), sums)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if step % 10 == 9:
                yield level, step, loss.item()


def main():
    torch.manual_seed(6)
    generator = torch.Generator().manual_seed(6)
    model = Adder()
    optimizer = torch.optim.RAdam(model.parameters(), lr=0.01)
    report = {"rows": []}
    with timed(report):
        for level, step, loss in training(model, optimizer, generator, (2, 3, 5), steps=60):
            report["rows"].append((level, step, loss))
            if step == 59:
                print(f"level {level}: loss {loss:.4f}")

    def retry(digits):
        bits, sums = problems(64, digits, generator)
        with torch.no_grad():
            wrong = ((model(bits) > 0).float() != sums).float().mean().item()
        return wrong

    print("mastered", solve(2, retry, 8), "rows", len(report["rows"]))


if __name__ == "__main__":
    main()
