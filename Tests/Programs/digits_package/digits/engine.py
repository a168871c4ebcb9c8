from __future__ import annotations

import logging
from dataclasses import dataclass, field

import torch
from torch import nn

from .data import BatchLoader

log = logging.getLogger(__name__)


@dataclass
class Meter:
    total: float = 0.0
    count: int = 0

    def update(self, value: float, n: int = 1) -> None:
        self.total += value * n
        self.count += n

    @property
    def mean(self) -> float:
        return self.total / max(self.count, 1)


@dataclass
class History:
    train_loss: list[float] = field(default_factory=list)
    test_accuracy: list[float] = field(default_factory=list)


class Engine:
    """Owns everything that changes while a model trains."""

    def __init__(self, model: nn.Module, lr: float, weight_decay: float, clip: float, total_steps: int):
        self.model = model
        self.criterion = nn.CrossEntropyLoss(label_smoothing=0.05)
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=weight_decay)
        self.scheduler = torch.optim.lr_scheduler.OneCycleLR(self.optimizer, lr, total_steps=total_steps)
        self.clip = clip
        self.step = 0
        self.history = History()

    def train_step(self, images: torch.Tensor, labels: torch.Tensor) -> float:
        self.model.train()
        self.optimizer.zero_grad(set_to_none=True)
        logits = self.model(images)
        loss = self.criterion(logits, labels)
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), self.clip)
        self.optimizer.step()
        self.scheduler.step()
        self.step += 1
        return loss.item()

    def train_epoch(self, loader: BatchLoader) -> float:
        meter = Meter()
        for images, labels in loader:
            loss = self.train_step(images, labels)
            meter.update(loss, len(images))
            if self.step % 40 == 0:
                log.info("step %d loss %.5f lr %.2e", self.step, meter.mean, self.scheduler.get_last_lr()[0])
        self.history.train_loss.append(meter.mean)
        return meter.mean

    @torch.no_grad()
    def accuracy(self, loader: BatchLoader) -> float:
        self.model.eval()
        meter = Meter()
        for images, labels in loader:
            hits = (self.model(images).argmax(dim=1) == labels).float().mean().item()
            meter.update(hits, len(images))
        return meter.mean

    def fit(self, train: BatchLoader, test: BatchLoader, epochs: int) -> History:
        for epoch in range(epochs):
            loss = self.train_epoch(train)
            accuracy = self.accuracy(test)
            self.history.test_accuracy.append(accuracy)
            log.info("epoch %d: loss %.5f accuracy %.4f", epoch, loss, accuracy)
        return self.history
