"""A small GAN: two optimizers, parametrized weights, shared embeddings, and batch norm."""

import random

import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm, weight_norm

CLASSES = 4


def circle(n):
    label = torch.randint(CLASSES, (n,))
    angle = torch.randn(n) * 0.2 + label * (6.2832 / CLASSES)
    return torch.stack([angle.cos(), angle.sin()], 1) + 0.02 * torch.randn(n, 2), label


class Generator(nn.Module):
    def __init__(self, embedding):
        super().__init__()
        self.embedding = embedding
        self.layers = nn.Sequential(
            weight_norm(nn.Linear(8 + 6, 32)), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 2)
        )

    def forward(self, z, label):
        return self.layers(torch.cat([z, self.embedding(label)], 1))


class Discriminator(nn.Module):
    def __init__(self, embedding):
        super().__init__()
        self.embedding = embedding  # the same one: tied
        self.layers = nn.Sequential(
            spectral_norm(nn.Linear(2 + 6, 32)), nn.LeakyReLU(0.2), nn.Dropout(0.1), spectral_norm(nn.Linear(32, 1))
        )

    def forward(self, x, label):
        return self.layers(torch.cat([x, self.embedding(label)], 1))[:, 0]


def set_grad(module, value):
    for p in module.layers.parameters():
        p.requires_grad_(value)


torch.manual_seed(12)
random.seed(12)
embedding = nn.Embedding(CLASSES, 6)
G, D = Generator(embedding), Discriminator(embedding)
g_optimizer = torch.optim.Adam(
    [{"params": G.layers.parameters()}, {"params": embedding.parameters(), "lr": 1e-4}], lr=2e-3, betas=(0.5, 0.99)
)
d_optimizer = torch.optim.RMSprop(D.layers.parameters(), lr=1e-3)
bce = nn.BCEWithLogitsLoss()
fixed = torch.randn(64, 8), torch.arange(64) % CLASSES
pool = []

for epoch in range(6):
    for i in range(50):
        real, label = circle(64)
        fake = G(torch.randn(64, 8), label)
        pool.append(fake.detach())
        old = pool.pop(random.randrange(len(pool))) if len(pool) > 20 else fake.detach()

        set_grad(D, True)
        d_optimizer.zero_grad()
        d_loss = bce(D(real, label), torch.ones(64)) + bce(D(old, label), torch.zeros(64))
        d_loss.backward()
        d_optimizer.step()

        set_grad(D, False)
        g_optimizer.zero_grad(set_to_none=False)
        g_loss = bce(D(fake, label), torch.ones(64))
        g_loss.backward()
        g_optimizer.step()
    G.eval()
    with torch.no_grad():
        samples = G(*fixed)
    G.train()
    radius = samples.norm(dim=1)
    print(f"epoch {epoch}: d {d_loss.item():.4f} g {g_loss.item():.4f} radius {radius.mean().item():.4f}")

print("pool", len(pool))
