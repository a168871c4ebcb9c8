"""A regression on one stream of batches; the schedule is to be refined from the gradients' norms."""

import argparse
import itertools

import torch
from torch import nn
from torch.optim import lr_scheduler
from torch.utils.data import BatchSampler, DataLoader, Sampler, TensorDataset


class BucketSampler(Sampler):
    """Shuffles within buckets of similar targets, then the buckets."""

    def __init__(self, targets, buckets, generator):
        self.order = torch.argsort(targets).tolist()
        self.buckets = buckets
        self.generator = generator

    def __iter__(self):
        size = len(self.order) // self.buckets
        for b in torch.randperm(self.buckets, generator=self.generator).tolist():
            part = self.order[b * size : (b + 1) * size]
            for i in torch.randperm(size, generator=self.generator).tolist():
                yield part[i]

    def __len__(self):
        return len(self.order)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--lr", type=float, default=0.01)
    args = parser.parse_args()

    torch.manual_seed(2)
    x = torch.randn(512, 10)
    y = torch.sin(x[:, :1] * 2) + 0.5 * x[:, 1:2] * x[:, 2:3] + 0.1 * torch.randn(512, 1)
    generator = torch.Generator().manual_seed(3)
    sampler = BucketSampler(y[:, 0], 8, generator)
    loader = DataLoader(TensorDataset(x, y), batch_sampler=BatchSampler(sampler, 32, drop_last=True))
    model = nn.Sequential(nn.Linear(10, 48), nn.Tanh(), nn.Linear(48, 1))
    optimizer = torch.optim.NAdam(model.parameters(), lr=args.lr, decoupled_weight_decay=True)
    scheduler = lr_scheduler.OneCycleLR(optimizer, max_lr=args.lr, total_steps=args.steps)
    losses = []

    for step, (bx, by) in enumerate(itertools.cycle(loader)):
        if step >= args.steps:
            break
        loss = nn.functional.mse_loss(model(bx), by)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        losses.append(loss.item())
        if (step + 1) % 250 == 0:
            print(f"step {step + 1}: loss {sum(losses[-250:]) / 250:.5f}")

    print("best", round(min(losses), 6))


if __name__ == "__main__":
    main()
