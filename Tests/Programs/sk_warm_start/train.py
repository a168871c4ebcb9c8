"""Ensembles and a network that grow where they stand: `warm_start` of three estimators."""

import warnings

import numpy as np
from sklearn.datasets import make_friedman1
from sklearn.ensemble import GradientBoostingRegressor, RandomForestRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPRegressor

warnings.filterwarnings("ignore", category=ConvergenceWarning)

features, targets = make_friedman1(700, noise=0.5, random_state=0)
fit, held = slice(0, 500), slice(500, None)
generator = np.random.RandomState(4)
estimators = {
    "boosting": GradientBoostingRegressor(n_estimators=1, warm_start=True, subsample=0.7, random_state=generator),
    "forest": RandomForestRegressor(n_estimators=1, warm_start=True, random_state=generator),
    "network": MLPRegressor(hidden_layer_sizes=(16,), warm_start=True, max_iter=10, random_state=2, early_stopping=False),
}
curve = {name: [] for name in estimators}


def grow(name, model, stage):
    if hasattr(model, "n_estimators"):
        model.n_estimators = 1 + 4 * stage
    model.fit(features[fit], targets[fit])
    return float(np.mean((model.predict(features[held]) - targets[held]) ** 2))


for stage in range(10):
    for name, model in estimators.items():
        error = grow(name, model, stage)
        curve[name].append(error)
    print(f"stage {stage}", *(f"{name} {errors[-1]:.6f}" for name, errors in curve.items()))
best = min(curve, key=lambda name: curve[name][-1])
print("best", best, len(estimators["forest"].estimators_))
