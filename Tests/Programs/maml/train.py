"""Model-agnostic meta-learning of sine waves, with second-order gradients."""

import argparse
import math

import torch
from torch.func import functional_call
from torch import nn


class Snake(torch.autograd.Function):
    """x + sin²(ax)/a, with its own backward, differentiable twice."""

    @staticmethod
    def forward(ctx, x, a):
        ctx.save_for_backward(x, a)
        return x + torch.sin(a * x) ** 2 / a

    @staticmethod
    def backward(ctx, grad):
        x, a = ctx.saved_tensors
        dx = grad * (1 + torch.sin(2 * a * x))
        da = (grad * (x * torch.sin(2 * a * x) / a - torch.sin(a * x) ** 2 / a**2)).sum()
        return dx, da


class Regressor(nn.Module):
    def __init__(self, width=24):
        super().__init__()
        self.first = nn.Linear(1, width)
        self.second = nn.Linear(width, width)
        self.out = nn.Linear(width, 1)
        self.frequency = nn.Parameter(torch.tensor(1.0))

    def forward(self, x):
        x = Snake.apply(self.first(x), self.frequency)
        x = Snake.apply(self.second(x), self.frequency)
        return self.out(x)


def sample_task(generator):
    amplitude = 0.5 + 2.0 * torch.rand(1, generator=generator)
    phase = math.pi * torch.rand(1, generator=generator)

    def draw(n):
        x = 6 * torch.rand(n, 1, generator=generator) - 3
        return x, amplitude * torch.sin(x + phase)

    return draw


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--meta-steps", type=int, default=120)
    parser.add_argument("--tasks", type=int, default=4)
    parser.add_argument("--inner-lr", type=float, default=0.02)
    args = parser.parse_args()

    torch.manual_seed(1)
    generator = torch.Generator().manual_seed(1)
    model = Regressor()
    meta = torch.optim.Adam(model.parameters(), lr=2e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(meta, args.meta_steps)

    for step in range(args.meta_steps):
        meta.zero_grad()
        total = 0.0
        for task in range(args.tasks):
            draw = sample_task(generator)
            (sx, sy), (qx, qy) = draw(8), draw(8)
            params = dict(model.named_parameters())
            before = nn.functional.mse_loss(functional_call(model, params, (sx,)), sy)
            grads = torch.autograd.grad(before, list(params.values()), create_graph=True)
            fast = {n: p - args.inner_lr * g for (n, p), g in zip(params.items(), grads)}
            after = nn.functional.mse_loss(functional_call(model, fast, (qx,)), qy)
            (after / args.tasks).backward()
            total += after.item()
        nn.utils.clip_grad_value_(model.parameters(), 1.0)
        meta.step()
        scheduler.step()
        if (step + 1) % 40 == 0:
            print(f"meta-step {step + 1}: loss {total / args.tasks:.4f}")

    print("frequency", round(model.frequency.item(), 5))


if __name__ == "__main__":
    main()
