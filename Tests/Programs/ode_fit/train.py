"""The rates of a predator-prey system are fitted to noisy counts, from several starts, by Levenberg's method."""

import numpy as np
from scipy.optimize import minimize_scalar

from dynamics import simulate

rng = np.random.default_rng(12)
truth = np.array([1.1, 0.4, 0.1, 0.4])
clean, _ = simulate(truth, (10.0, 5.0), 12.0, 40)
observed = clean * rng.lognormal(0.0, 0.05, clean.shape)


def misfit(rates):
    states, steps = simulate(np.abs(rates), (10.0, 5.0), 12.0, 40)
    return (np.log(states) - np.log(observed)).ravel(), steps


fits = []
for attempt in range(4):
    rates = truth * rng.lognormal(0.0, 0.25, 4)
    damping, evaluations = 1.0, 0
    residual, _ = misfit(rates)
    for iteration in range(14):
        jacobian = np.empty((residual.size, 4))
        for k in range(4):
            nudged = rates.copy()
            nudged[k] += 1e-6
            shifted, steps = misfit(nudged)
            jacobian[:, k] = (shifted - residual) / 1e-6
            evaluations += steps
        gram = jacobian.T @ jacobian
        step = np.linalg.solve(gram + damping * np.diag(np.diag(gram)), -jacobian.T @ residual)
        length = minimize_scalar(
            lambda s: float(np.sum(misfit(rates + s * step)[0] ** 2)), bounds=(0.0, 1.0), method="bounded",
            options={"maxiter": 6},
        ).x
        trial, _ = misfit(rates + length * step)
        if np.sum(trial**2) < np.sum(residual**2):
            rates, residual, damping = rates + length * step, trial, damping * 0.3
        else:
            damping *= 4.0
        if damping > 1e6:
            break
    cost = float(np.sum(residual**2))
    fits.append((cost, attempt, rates))
    print(f"attempt {attempt} cost {cost:.8f} evaluations {evaluations}")
cost, attempt, rates = min(fits, key=lambda fit: fit[0])
print(f"best attempt {attempt}:", np.round(np.abs(rates), 6))
