"""Pre-train on half of the data, shrink and perturb, then go on with all of it."""

import copy

import torch
from torch import nn
from torch.utils.data import DataLoader, RandomSampler, Subset, TensorDataset


class EarlyStopping:
    def __init__(self, patience):
        self.patience = patience
        self.best = float("inf")
        self.best_state = None
        self.bad = 0

    def step(self, loss, model):
        if loss < self.best - 1e-4:
            self.best, self.bad = loss, 0
            self.best_state = copy.deepcopy(model.state_dict())
        else:
            self.bad += 1
        return self.bad >= self.patience


def make_data(n=900):
    g = torch.Generator().manual_seed(0)
    x = torch.randn(n, 16, generator=g)
    y = ((x[:, :8] ** 2).sum(1) > (x[:, 8:] ** 2).sum(1)).long()
    return TensorDataset(x, y)


def run_epoch(model, loader, optimizer):
    total = 0.0
    for x, y in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(x)
    return total / len(loader.sampler)


@torch.no_grad()
def evaluate(model, data):
    x, y = data[:]
    return nn.functional.cross_entropy(model(x), y).item()


def train(model, data, valid, epochs, phase):
    loader = DataLoader(data, batch_size=32, sampler=RandomSampler(data))
    optimizer = torch.optim.RMSprop(model.parameters(), lr=3e-3, momentum=0.5)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.3, patience=2)
    stopping = EarlyStopping(patience=6)
    try:
        for epoch in range(epochs):
            loss = run_epoch(model, loader, optimizer)
            test = evaluate(model, valid)
            scheduler.step(test)
            if stopping.step(test, model):
                print(f"{phase}: stopped early at epoch {epoch}")
                break
        else:
            print(f"{phase}: all epochs done, train loss {loss:.4f}")
    finally:
        model.load_state_dict(stopping.best_state)
    return stopping.best


@torch.no_grad()
def shrink_and_perturb(model, shrink=0.4, noise=0.05):
    for p in model.parameters():
        before = p.norm()
        p.mul_(shrink).add_(noise * torch.randn_like(p))


torch.manual_seed(7)
data = make_data()
valid = Subset(data, range(700, 900))
model = nn.Sequential(nn.Linear(16, 40), nn.GELU(), nn.Linear(40, 40), nn.GELU(), nn.Linear(40, 2))
pretrained = train(model, Subset(data, range(350)), valid, epochs=25, phase="pretrain")
shrink_and_perturb(model)
tuned = train(model, Subset(data, range(700)), valid, epochs=25, phase="fine-tune")
print(f"pre-trained {pretrained:.4f} fine-tuned {tuned:.4f}")
