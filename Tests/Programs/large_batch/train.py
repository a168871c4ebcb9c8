"""Train longer, generalize better? Large batches, ghost batch norm, and one loop over steps."""

import math

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

STEPS = 1200
BATCH = 256
GHOST = 32


class GhostBatchNorm(nn.BatchNorm1d):
    """Batch norm over small virtual batches."""

    def forward(self, x):
        if not self.training:
            return super().forward(x)
        return torch.cat([super(GhostBatchNorm, self).forward(part) for part in x.split(GHOST)])


class Net(nn.Module):
    def __init__(self, n_in, width, n_out):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(n_in, width), GhostBatchNorm(width), nn.ReLU())
        self.head = nn.Linear(width, n_out)

    def forward(self, x):
        return self.head(self.body(x))


def make_data():
    g = torch.Generator().manual_seed(11)
    x = torch.randn(1024, 20, generator=g)
    teacher = torch.randn(20, 5, generator=g)
    y = (x @ teacher + 0.5 * torch.randn(1024, 5, generator=g)).argmax(dim=1)
    return TensorDataset(x, y)


torch.manual_seed(5)
model = Net(20, 24, 5)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(
    [
        {"params": [p for n, p in model.named_parameters() if "bias" not in n], "weight_decay": 5e-4},
        {"params": [p for n, p in model.named_parameters() if "bias" in n], "weight_decay": 0.0},
    ],
    lr=0.1 * math.sqrt(BATCH / 128),
    momentum=0.9,
)
warmup = torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=0.1, total_iters=60)
decay = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[600, 950], gamma=0.2)
scheduler = torch.optim.lr_scheduler.SequentialLR(optimizer, [warmup, decay], milestones=[60])
loader = DataLoader(make_data(), batch_size=BATCH, shuffle=True, drop_last=True)

start = torch.nn.utils.parameters_to_vector(model.parameters()).detach().clone()
it = iter(loader)
average = None

for step in range(1, STEPS + 1):
    try:
        x, y = next(it)
    except StopIteration:
        it = iter(loader)
        x, y = next(it)
    optimizer.zero_grad(set_to_none=True)
    loss = criterion(model(x), y)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    scheduler.step()
    average = loss.item() if average is None else 0.98 * average + 0.02 * loss.item()
    if step % 200 == 0:
        print(f"step {step}: loss {average:.4f} lr {scheduler.get_last_lr()[0]:.4f}")

model.eval()
with torch.no_grad():
    x, y = loader.dataset.tensors
    print("train accuracy", round((model(x).argmax(dim=1) == y).float().mean().item(), 4))
