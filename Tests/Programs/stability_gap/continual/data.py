"""Tasks made by permuting the inputs of one problem."""

import torch


class PermutedBlobs:
    def __init__(self, n_samples, n_features, n_classes, generator):
        centers = 2.2 * torch.randn(n_classes, n_features, generator=generator)
        labels = torch.randint(n_classes, (n_samples,), generator=generator)
        noise = torch.randn(n_samples, n_features, generator=generator)
        self.inputs = centers[labels] + 1.5 * noise
        self.labels = labels
        self.generator = generator

    def task(self, number):
        inputs = self.inputs
        if number > 0:
            inputs = inputs[:, torch.randperm(inputs.shape[1], generator=self.generator)]
        cut = len(inputs) * 4 // 5
        return (inputs[:cut], self.labels[:cut]), (inputs[cut:], self.labels[cut:])
