"""Low-rank completion by block coordinate descent; the observed matrix is mapped from a file."""

import os
import tempfile

import numpy as np
import torch


class Factors:
    __slots__ = ("left", "right", "history", "__weakref__")

    def __init__(self, rows, columns, rank, generator):
        self.left = torch.randn(rows, rank, generator=generator, dtype=torch.float64)
        self.right = torch.randn(rank, columns, generator=generator, dtype=torch.float64)
        self.history = {}

    def residual(self, matrix, mask, block):
        return ((self.left[block] @ self.right - matrix[block]) * mask[block]).norm()


def solve_rows(factors, matrix, mask, block, penalty):
    eye = penalty * torch.eye(factors.right.shape[0], dtype=torch.float64)
    for row in range(block.start, block.stop):
        known = mask[row] > 0
        basis = factors.right[:, known]
        factors.left[row] = torch.linalg.solve(basis @ basis.t() + eye, basis @ matrix[row, known])


def solve_columns(factors, matrix, mask, penalty):
    eye = penalty * torch.eye(factors.left.shape[1], dtype=torch.float64)
    for column in range(factors.right.shape[1]):
        known = mask[:, column] > 0
        basis = factors.left[known]
        factors.right[:, column] = torch.linalg.solve(basis.t() @ basis + eye, basis.t() @ matrix[known, column])


def complete(path):
    generator = torch.Generator().manual_seed(8)
    rows, columns, rank = 120, 40, 4
    mapped = np.memmap(path, dtype=np.float64, mode="w+", shape=(rows, columns))
    truth = torch.randn(rows, rank, generator=generator, dtype=torch.float64)
    mapped[:] = (truth @ torch.randn(rank, columns, generator=generator, dtype=torch.float64)).numpy()
    matrix = torch.from_numpy(mapped)
    mask = (torch.rand(rows, columns, generator=generator) < 0.5).double()
    factors = Factors(rows, columns, rank, generator)
    blocks = [slice(start, start + 30) for start in range(0, rows, 30)]

    previous = float("inf")
    for sweep in range(25):
        for number, block in enumerate(blocks):
            solve_rows(factors, matrix, mask, block, penalty=1e-3)
            factors.history.setdefault(number, []).append(factors.residual(matrix, mask, block).item())
        solve_columns(factors, matrix, mask, penalty=1e-3)
        mapped[sweep % rows, :] *= 1.0 + 1e-9
        error = ((factors.left @ factors.right - matrix).norm() / matrix.norm()).item()
        if sweep % 5 == 0:
            print(f"sweep {sweep}: error {error:.3e}")
        if previous - error < 1e-7:
            break
        previous = error
    else:
        print("not converged")

    print("blocks", {k: len(v) for k, v in factors.history.items()})


def main():
    with tempfile.TemporaryDirectory() as folder:
        complete(os.path.join(folder, "matrix.bin"))


if __name__ == "__main__":
    main()
