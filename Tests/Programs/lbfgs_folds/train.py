"""Ridge and logistic models by LBFGS, chosen by cross-validation: folds, epochs, batches."""

import math
from typing import NamedTuple

import torch
from torch import nn


class Score(NamedTuple):
    fold: int
    penalty: float
    loss: float


def k_folds(n, k, generator):
    order = torch.randperm(n, generator=generator)
    for fold in range(k):
        test = order[fold::k]
        train = order[~torch.isin(order, test)]
        yield fold, train, test


def fit(x, y, penalty, epochs, batches):
    model = nn.Linear(x.shape[1], 1).double()
    optimizer = torch.optim.LBFGS(model.parameters(), lr=0.5, max_iter=5, history_size=6, line_search_fn="strong_wolfe")
    evaluations = 0
    for epoch in range(epochs):
        for part in torch.randperm(len(x)).chunk(batches):

            def closure():
                nonlocal evaluations
                optimizer.zero_grad()
                loss = nn.functional.binary_cross_entropy_with_logits(model(x[part])[:, 0], y[part])
                loss = loss + penalty * model.weight.square().sum()
                loss.backward()
                evaluations += 1
                return loss

            loss = optimizer.step(closure)
        if not math.isfinite(loss.item()):
            return None
    return model


def main():
    torch.manual_seed(4)
    x = torch.randn(240, 12, dtype=torch.float64)
    weights = torch.randn(12, dtype=torch.float64) * (torch.arange(12) < 5)
    y = (x @ weights + 0.5 * torch.randn(240, dtype=torch.float64) > 0).double()
    scores = []
    for fold, train, test in k_folds(len(x), 4, torch.Generator().manual_seed(0)):
        for penalty in (1e-4, 1e-2, 1e-1):
            model = fit(x[train], y[train], penalty, epochs=3, batches=4)
            if model is None:
                print("diverged")
                continue
            with torch.no_grad():
                loss = nn.functional.binary_cross_entropy_with_logits(model(x[test])[:, 0], y[test]).item()
            scores.append(Score(fold, penalty, loss))
        print(f"fold {fold}: best {min(s.loss for s in scores if s.fold == fold):.5f}")
    best = min(scores, key=lambda s: s.loss)
    print("best penalty", best.penalty)


if __name__ == "__main__":
    main()
