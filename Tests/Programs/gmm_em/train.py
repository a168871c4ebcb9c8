"""k-means finds the start, expectation maximisation fits; two phases, three restarts."""

import numpy as np

from mixture import Mixture

rng = np.random.RandomState(5)
centres = rng.normal(scale=4.0, size=(4, 6))
data = np.concatenate([c + rng.normal(size=(500, 6)) * (0.5 + i / 3) for i, c in enumerate(centres)])


def k_means(data, k, rounds):
    means = data[rng.choice(len(data), k, replace=False)].copy()
    moved = np.inf
    for _ in range(rounds):
        distances = ((data[:, None] - means[None]) ** 2).sum(axis=2)
        nearest = distances.argmin(axis=1)
        new = np.array([data[nearest == j].mean(axis=0) if (nearest == j).any() else means[j] for j in range(k)])
        moved = np.abs(new - means).max()
        means = new
        if moved < 1e-9:
            break
    return means, moved


results = []
for restart in range(3):
    means, moved = k_means(data, 4, 12)
    model = Mixture(means, data)
    previous, step = -np.inf, 0
    while step < 60:
        duties, likelihood = model.expect(data)
        model.maximise(data, duties)
        gain = likelihood - previous
        previous = likelihood
        step += 1
        if step % 20 == 0:
            print(f"restart {restart} step {step} likelihood {likelihood:.6f}")
        if gain < 1e-5:
            print(f"restart {restart} converged after {step}")
            break
    results.append((previous, model))
best, model = max(results, key=lambda pair: pair[0])
print(f"best {best:.6f} shares {np.sort(model.shares)}")
