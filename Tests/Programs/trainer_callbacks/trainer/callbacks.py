"""What happens around epochs and batches."""

import copy
import weakref


class Callback:
    def attach(self, trainer):
        self._trainer = weakref.ref(trainer)

    @property
    def trainer(self):
        return self._trainer()

    def on_batch_end(self, loss):
        pass

    def on_epoch_end(self, metrics):
        pass


class History(Callback):
    def __init__(self):
        self.rows = []

    def on_epoch_end(self, metrics):
        self.rows.append({"epoch": self.trainer.epoch, **metrics})


class BestModel(Callback):
    def __init__(self, key):
        self.key = key
        self.best = None
        self.state = None

    def on_epoch_end(self, metrics):
        if self.best is None or metrics[self.key] < self.best:
            self.best = metrics[self.key]
            self.state = copy.deepcopy(self.trainer.model.state_dict())


class StopOnPlateau(Callback):
    class Stop(Exception):
        pass

    def __init__(self, patience):
        self.patience = patience
        self.waited = 0
        self.lowest = float("inf")

    def on_epoch_end(self, metrics):
        if metrics["valid"] < self.lowest:
            self.lowest, self.waited = metrics["valid"], 0
            return
        self.waited += 1
        if self.waited >= self.patience:
            raise StopOnPlateau.Stop(self.trainer.epoch)
