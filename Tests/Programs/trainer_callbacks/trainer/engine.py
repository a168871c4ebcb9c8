"""The trainer: its loops run over its own attributes."""

import torch
from torch.optim.swa_utils import SWALR, AveragedModel, get_ema_multi_avg_fn

from .callbacks import StopOnPlateau


class Trainer:
    def __init__(self, model, optimizer, scheduler, loss, callbacks, swa_start):
        self.model = model
        self.optimizer = optimizer
        self.scheduler = scheduler
        self.loss = loss
        self.callbacks = callbacks
        self.ema = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.95), use_buffers=True)
        self.swa = AveragedModel(model)
        self.swa_start = swa_start
        self.swa_scheduler = SWALR(optimizer, swa_lr=0.02, anneal_epochs=3)
        self.activations = []
        self.epoch = self.step = 0
        for callback in callbacks:
            callback.attach(self)
        model[1].register_forward_hook(lambda module, args, out: self.activations.append(out.detach().mean()))

    def notify(self, event, *arguments):
        for callback in self.callbacks:
            getattr(callback, event)(*arguments)

    def fit(self, train, valid, epochs):
        try:
            for self.epoch in range(epochs):
                self.activations.clear()
                metrics = {"train": self._train(train), "valid": self._evaluate(valid)}
                if self.epoch >= self.swa_start:
                    self.swa.update_parameters(self.model)
                    self.swa_scheduler.step()
                else:
                    self.scheduler.step()
                self.notify("on_epoch_end", metrics)
        except StopOnPlateau.Stop as stop:
            print("stopped at epoch", stop)
        finally:
            self.optimizer.zero_grad()
        return self.epoch

    def _train(self, loader):
        self.model.train()
        total = 0.0
        for x, y in loader:
            self.optimizer.zero_grad()
            loss = self.loss(self.model(x), y)
            loss.backward()
            self.optimizer.step()
            self.ema.update_parameters(self.model)
            self.step += 1
            total += loss.item()
            self.notify("on_batch_end", loss)
        return total / len(loader)

    @torch.no_grad()
    def _evaluate(self, loader):
        self.model.eval()
        return sum(self.loss(self.model(x), y).item() for x, y in loader) / len(loader)
