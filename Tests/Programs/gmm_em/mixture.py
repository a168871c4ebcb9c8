"""A mixture of Gaussians and its expectation and maximisation steps."""

import numpy as np


class Mixture:
    __slots__ = ("means", "covariances", "shares", "floor", "__dict__")

    def __init__(self, means, data, floor=1e-3):
        self.means = means
        self.covariances = np.stack([np.cov(data.T)] * len(means))
        self.shares = np.full(len(means), 1.0 / len(means))
        self.floor = floor

    @property
    def components(self):
        return len(self.means)

    def densities(self, data):
        columns = []
        for mean, covariance in zip(self.means, self.covariances):
            centred = data - mean
            scaled = np.linalg.solve(covariance, centred.T).T
            exponent = -0.5 * np.einsum("ij,ij->i", centred, scaled)
            scale = np.linalg.slogdet(2 * np.pi * covariance)[1]
            columns.append(exponent - 0.5 * scale)
        return np.stack(columns, axis=1) + np.log(self.shares)

    def expect(self, data):
        joint = self.densities(data)
        top = joint.max(axis=1, keepdims=True)
        total = top + np.log(np.exp(joint - top).sum(axis=1, keepdims=True))
        return np.exp(joint - total), float(total.sum())

    def maximise(self, data, duties):
        weights = duties.sum(axis=0)
        self.shares = weights / len(data)
        self.means = duties.T @ data / weights[:, None]
        for k in range(self.components):
            centred = data - self.means[k]
            self.covariances[k] = (duties[:, k, None] * centred).T @ centred / weights[k]
            self.covariances[k] += self.floor * np.eye(data.shape[1])
        self.last_weights = weights
