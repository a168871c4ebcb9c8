"""Restarts until one succeeds: loops that end by themselves, by `break`, by `return` and by an exception."""

import contextlib
import random

import torch
from torch import nn
from torch.optim import lr_scheduler


class Diverged(Exception):
    pass


class Reservoir:
    """A uniform sample of all that was offered."""

    __slots__ = ("kept", "size", "offered", "draw")

    def __init__(self, size, seed):
        self.kept, self.size, self.offered = [], size, 0
        self.draw = random.Random(seed)

    def offer(self, item):
        self.offered += 1
        if len(self.kept) < self.size:
            self.kept.append(item)
        elif (at := self.draw.randrange(self.offered)) < self.size:
            self.kept[at] = item


class Net(nn.Module):
    """Three passes through one shared layer."""

    def __init__(self, width):
        super().__init__()
        self.first = nn.Linear(1, width)
        self.shared = nn.Linear(width, width)
        self.again = self.shared
        self.last = nn.Linear(width, 1)
        self.activity = []
        self.shared.register_forward_hook(lambda layer, x, y: self.activity.append(y.detach().abs().mean()))

    def forward(self, x):
        x = torch.tanh(self.first(x))
        for layer in (self.shared, self.again, self.shared):
            x = torch.tanh(layer(x))
        return self.last(x)


@contextlib.contextmanager
def scaled(optimizer, factor):
    """Another learning rate for a while."""
    before = [group["lr"] for group in optimizer.param_groups]
    for group in optimizer.param_groups:
        group["lr"] *= factor
    try:
        yield
    finally:
        for group, rate in zip(optimizer.param_groups, before):
            group["lr"] = rate


def schedules(optimizer):
    warm = lr_scheduler.LinearLR(optimizer, 0.2, total_iters=10)
    waves = lr_scheduler.CosineAnnealingWarmRestarts(optimizer, 30)
    plateau = lr_scheduler.ReduceLROnPlateau(optimizer, patience=4)
    return lr_scheduler.SequentialLR(optimizer, [warm, waves], [10]), plateau


def fit(model, x, y, rate, goal, hard):
    """The number of epochs until the goal; None where it was not reached."""
    optimizer = torch.optim.RMSprop(
        [{"params": model.first.parameters()}, {"params": list(model.parameters())[2:], "lr": rate / 2}],
        lr=rate,
        momentum=0.8,
    )
    steps, plateau = schedules(optimizer)
    epoch = 0
    while epoch < 20:
        with scaled(optimizer, 0.5 if epoch % 3 == 2 else 1.0):
            total = 0.0
            for rows in torch.randperm(len(x)).split(16):
                optimizer.zero_grad()
                errors = (model(x[rows]) - y[rows]).square().flatten()
                loss = errors.mean()
                if not loss < 50:
                    raise Diverged(f"{loss.item():.1f} in epoch {epoch}")
                loss.backward()
                optimizer.step()
                steps.step()
                total += loss.item() * len(rows)
                hard.offer((rows[errors.argmax()].item(), errors.max().item()))
        plateau.step(total)
        epoch += 1
        if total / len(x) < goal:
            return epoch
    else:
        print("  not there after", epoch, "epochs")
    return None


torch.manual_seed(8)
x = torch.linspace(-2, 2, 96).unsqueeze(1)
y = torch.sin(2 * x) + 0.3 * x
hard = Reservoir(12, seed=2)
tries = []

for attempt, rate in enumerate([3.0, 1e-4, 1e-2, 2e-2]):
    model = Net(12)
    try:
        epochs = fit(model, x, y, rate, 0.06, hard)
    except Diverged as reason:
        tries.append((rate, None))
        print(f"attempt {attempt}: {reason}")
        continue
    finally:
        model.activity.clear()
    tries.append((rate, epochs))
    if epochs is not None:
        print(f"attempt {attempt}: done after {epochs}")
        break
else:
    print("no attempt was good enough")
print("offered", hard.offered)
