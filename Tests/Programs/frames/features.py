"""Features of a table of daily sales."""

import numpy as np
import pandas as pd


def make_sales(seed, shops=6, days=400):
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "shop": pd.Categorical(np.repeat([f"shop{i}" for i in range(shops)], days)),
            "day": np.tile(pd.date_range("2024-01-01", periods=days), shops),
            "sales": rng.gamma(4.0, 10.0, shops * days),
        }
    )
    table["sales"] *= 1 + 0.3 * np.sin(2 * np.pi * table["day"].dt.day_of_week / 7)
    return table


def add_features(table, window):
    grouped = table.groupby("shop", observed=True)["sales"]
    table[f"mean{window}"] = grouped.transform(lambda s: s.shift(1).rolling(window, min_periods=1).mean())
    table[f"lag{window}"] = grouped.shift(window)
    return table.fillna(table.mean(numeric_only=True))


def weekday_table(table, residual):
    return residual.groupby([table["shop"], table["day"].dt.day_of_week], observed=True).mean().unstack()
