import torch
from torch import nn


class Block(nn.Module):
    """Pre-norm residual block."""

    def __init__(self, dim: int, p: float):
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.up = nn.Linear(dim, 2 * dim)
        self.down = nn.Linear(2 * dim, dim)
        self.drop = nn.Dropout(p)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = torch.nn.functional.gelu(self.up(self.norm(x)))
        return x + self.drop(self.down(h))


class ResidualMLP(nn.Module):
    def __init__(self, n_in: int = 64, dim: int = 96, depth: int = 3, n_out: int = 10, p: float = 0.1):
        super().__init__()
        self.stem = nn.Linear(n_in, dim)
        self.blocks = nn.ModuleList(Block(dim, p) for _ in range(depth))
        self.head = nn.Linear(dim, n_out)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x)
        for block in self.blocks:
            x = block(x)
        return self.head(x)
