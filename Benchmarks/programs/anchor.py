"""The program that all recorders are asked to record: a classifier of random points, and nothing else."""

import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

EPOCHS = int(sys.argv[1]) if len(sys.argv) > 1 else 20

torch.set_num_threads(1)
torch.manual_seed(1234)


def points(count=12800, width=256, classes=10):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(count, width, generator=generator)
    directions = torch.randn(width, classes, generator=generator)
    noise = torch.randn(count, classes, generator=generator)
    return TensorDataset(x, (x @ directions + 2 * noise).argmax(1))


model = nn.Sequential(
    *(nn.Linear(256, 512), nn.ReLU(), nn.Dropout(0.1)),
    *(nn.Linear(512, 512), nn.ReLU()),
    nn.Linear(512, 10)
)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
criterion = nn.CrossEntropyLoss()
loader = DataLoader(points(), batch_size=64, shuffle=True)

for epoch in range(EPOCHS):
    for step, (x, y) in enumerate(loader):
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        # inner
        optimizer.step()
    print("epoch", epoch, "loss", loss.item())
    # outer
