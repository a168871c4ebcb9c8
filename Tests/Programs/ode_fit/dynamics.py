"""Predators and prey, integrated step by step."""

import numpy as np
from scipy.integrate import RK45


def flow(t, state, rates):
    prey, predators = state
    a, b, c, d = rates
    return np.array([a * prey - b * prey * predators, c * prey * predators - d * predators])


def simulate(rates, start, end, samples):
    """States at even times, interpolated within the solver's own steps."""
    solver = RK45(lambda t, y: flow(t, y, rates), 0.0, np.asarray(start, float), end, rtol=1e-6)
    times = np.linspace(0.0, end, samples)
    rows = [solver.y.copy()]
    steps = 0
    while solver.status == "running" and len(rows) < samples:
        solver.step()
        steps += 1
        dense = solver.dense_output()
        while len(rows) < samples and times[len(rows)] <= solver.t:
            rows.append(dense(times[len(rows)]))
    return np.array(rows), steps
