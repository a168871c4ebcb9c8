"""Greedy selection of rolling features for a ridge model, on a table that grows column by column."""

import numpy as np
import pandas as pd

from features import add_features, make_sales, weekday_table

table = make_sales(21)
windows = [2, 3, 5, 7, 10, 14, 21, 28, 35, 42, 56, 70]
chosen: list[str] = []
history = pd.DataFrame(columns=["window", "error", "columns"])
adjust = None


def error_of(columns, ridge=1.0):
    x = np.column_stack([np.ones(len(table)), *(table[c] / table[c].std() for c in columns)])
    y = table["sales"].to_numpy()
    if adjust is not None:
        y = y - adjust.to_numpy()
    train = np.arange(len(table)) % 5 != 0
    gram = x[train].T @ x[train] + ridge * np.eye(x.shape[1])
    weights = np.linalg.solve(gram, x[train].T @ y[train])
    residual = pd.Series(y - x @ weights, index=table.index)
    return float((residual[~train] ** 2).mean()), residual


best, residual = error_of(["sales"][:0])
print(f"mean alone {best:.6f}")
for window in windows:
    table = add_features(table, window)
    kept = 0
    for column in (f"mean{window}", f"lag{window}"):
        error, candidate = error_of([*chosen, column])
        if error < best:
            best, residual = error, candidate
            chosen.append(column)
            kept += 1
    history.loc[len(history)] = [window, best, kept]
    if window == 14:
        effect = weekday_table(table, residual)
        days = table["day"].dt.day_of_week
        adjust = pd.Series([effect.loc[s, d] for s, d in zip(table["shop"], days)], index=table.index)
        best, residual = error_of(chosen)
        pd.set_option("display.precision", 4)
    print(f"window {window} error {best:.6f} columns {len(chosen)}")
print(history.tail(3))
