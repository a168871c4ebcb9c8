"""Keeps what it can: goes on where it stopped, keeps the best model and the last three, and evaluates the best."""

import csv
import os

import torch
from torch import nn

EPOCHS = 10
OUT = "runs/curve"

torch.manual_seed(11)
x = torch.linspace(-3, 3, 256).unsqueeze(1)
y = torch.sin(2 * x) + 0.3 * torch.randn(256, 1)
train, held = torch.randperm(256).split([192, 64])
model = nn.Sequential(nn.Linear(1, 48), nn.Tanh(), nn.Linear(48, 48), nn.Tanh(), nn.Linear(48, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=0.03)
loss_of = nn.MSELoss()

os.makedirs(OUT, exist_ok=True)
first = 0
if os.path.exists(f"{OUT}/resume.pt"):
    state = torch.load(f"{OUT}/resume.pt")
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    first = state["epoch"] + 1
print("first epoch", first)

best = float("inf")
log = open(f"{OUT}/log.txt", "w")
for epoch in range(first, EPOCHS):
    model.train()
    for batch in train[torch.randperm(192)].split(4):
        loss = loss_of(model(x[batch]), y[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        validation = loss_of(model(x[held]), y[held]).item()
    torch.save(
        {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}, f"{OUT}/resume.pt"
    )
    torch.save(model.state_dict(), f"{OUT}/epoch{epoch}.pt")
    saved = [name for name in os.listdir(OUT) if name.startswith("epoch")]
    for name in sorted(saved, key=lambda name: int(name[5:-3]))[:-3]:
        os.remove(f"{OUT}/{name}")
    if validation < best:
        best = validation
        torch.save(model.state_dict(), f"{OUT}/best.tmp")
        os.replace(f"{OUT}/best.tmp", f"{OUT}/best.pt")
    with open("metrics.csv", "a", newline="") as file:
        csv.writer(file).writerow([epoch, validation])
    log.write(f"{epoch} {validation}\n")
    print(f"epoch {epoch} validation {validation:.5f}")

written = log.tell()
log.close()
model.load_state_dict(torch.load(f"{OUT}/best.pt"))
with torch.no_grad():
    final = loss_of(model(x[held]), y[held]).item()
with open("metrics.csv", newline="") as file:
    rows = list(csv.reader(file))
print(f"best model {final:.5f} after {len(rows)} rows, {written} bytes of log")
