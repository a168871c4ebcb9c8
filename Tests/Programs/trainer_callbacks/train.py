"""Two spirals, with a trainer, callbacks, and averages of the weights."""

import math

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

from trainer.callbacks import BestModel, History, StopOnPlateau
from trainer.engine import Trainer


def spirals(n, generator):
    t = torch.rand(n, generator=generator).sqrt() * 3 * math.pi
    label = torch.arange(n) % 2
    angle = t + math.pi * label
    points = torch.stack([t * angle.cos(), t * angle.sin()], dim=1) / 6
    return points + 0.03 * torch.randn(n, 2, generator=generator), label


def main():
    torch.manual_seed(9)
    data = TensorDataset(*spirals(800, torch.Generator().manual_seed(9)))
    train_set, valid_set = random_split(data, [600, 200], torch.Generator().manual_seed(1))
    train = DataLoader(train_set, batch_size=32, shuffle=True)
    valid = DataLoader(valid_set, batch_size=100)
    model = nn.Sequential(nn.Linear(2, 48), nn.BatchNorm1d(48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 2))
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=8)
    history, best = History(), BestModel("valid")
    trainer = Trainer(
        model, optimizer, scheduler, nn.CrossEntropyLoss(), [history, best, StopOnPlateau(9)], swa_start=16
    )
    trainer.fit(train, valid, epochs=30)
    torch.optim.swa_utils.update_bn((x for x, _ in train), trainer.swa)
    print(f"best {best.best:.4f} after {len(history.rows)} epochs")


if __name__ == "__main__":
    main()
