"""Every optimizer and every scheduler of torch: from any boundary, in a fresh process, they go on as they did."""

from __future__ import annotations

import importlib.util
import unittest

from .state_programs import ProgramCase

HAS_TORCH = importlib.util.find_spec("torch") is not None

#: Trains one small model with each optimizer that this release of torch has.
OPTIMIZERS = """
    import torch
    from torch import nn

    OPTIONS = {
        "SGD": dict(lr=0.05, momentum=0.9, nesterov=True), "Adam": dict(lr=0.01, amsgrad=True),
        "ASGD": dict(lr=0.01, t0=3), "LBFGS": dict(lr=0.1, max_iter=3, history_size=2, line_search_fn="strong_wolfe"),
    }
    kinds = [
        k for n, k in sorted(vars(torch.optim).items())
        if isinstance(k, type) and issubclass(k, torch.optim.Optimizer) and k is not torch.optim.Optimizer
    ]
    assert len(kinds) >= 12, kinds
    torch.manual_seed(0)
    x, y = torch.randn(16, 4), torch.randn(16, 3)
    runs = {}
    for kind in kinds:
        name = kind.__name__
        options = OPTIONS.get(name, dict(lr=0.01))
        if name == "SparseAdam":
            model = nn.Embedding(6, 3, sparse=True)
        elif name == "Muon":
            model = nn.Linear(4, 3, bias=False)
        else:
            model = nn.Linear(4, 3)
        groups = model.parameters()
        if name in ("Adam", "AdamW", "RMSprop"):
            groups = [{"params": [model.weight]}, {"params": [model.bias], "lr": 0.002}]
        runs[name] = model, kind(groups, **options)


    def step(model, optimizer):
        def closure():
            optimizer.zero_grad()
            batch = torch.arange(16) % 6 if isinstance(model, nn.Embedding) else x
            loss = nn.functional.mse_loss(model(batch), y)
            loss.backward()
            return loss

        return optimizer.step(closure)


    for epoch in checkpointed(range(4)):
        losses = [step(*run) for run in runs.values()]
        last = losses[-1]
        for name, (model, optimizer) in runs.items():
            emit(name, *(float(p.detach().double().sum()) for p in model.parameters()), len(optimizer.state))
    """

#: Steps every scheduler that this release of torch has, made as its signature asks.
SCHEDULERS = """
    import torch
    from torch import nn
    from torch.optim import lr_scheduler as s

    MAKERS = {
        "LambdaLR": lambda o: s.LambdaLR(o, lambda e: 0.9 ** e),
        "MultiplicativeLR": lambda o: s.MultiplicativeLR(o, lambda e: 0.9),
        "StepLR": lambda o: s.StepLR(o, 2),
        "MultiStepLR": lambda o: s.MultiStepLR(o, [1, 3]),
        "ExponentialLR": lambda o: s.ExponentialLR(o, 0.8),
        "ConstantLR": lambda o: s.ConstantLR(o, 0.5, 2),
        "LinearLR": lambda o: s.LinearLR(o, 0.3, total_iters=4),
        "PolynomialLR": lambda o: s.PolynomialLR(o, 6, 2.0),
        "CosineAnnealingLR": lambda o: s.CosineAnnealingLR(o, 5),
        "CosineAnnealingWarmRestarts": lambda o: s.CosineAnnealingWarmRestarts(o, 2),
        "CyclicLR": lambda o: s.CyclicLR(o, 0.01, 0.1, 2, mode="exp_range", gamma=0.9),
        "OneCycleLR": lambda o: s.OneCycleLR(o, 0.1, total_steps=12),
        "ReduceLROnPlateau": lambda o: s.ReduceLROnPlateau(o, factor=0.5, patience=0),
        "ChainedScheduler": lambda o: s.ChainedScheduler([s.ConstantLR(o, 0.5, 2), s.ExponentialLR(o, 0.9)]),
        "SequentialLR": lambda o: s.SequentialLR(o, [s.LinearLR(o, 0.1), s.StepLR(o, 2)], [3]),
    }
    known = {
        n for n, k in vars(s).items()
        if isinstance(k, type) and issubclass(k, s.LRScheduler) and k is not s.LRScheduler and not n.startswith("_")
    } | {"ReduceLROnPlateau"}
    assert known - set(MAKERS) <= {"LRScheduler"}, known - set(MAKERS)

    torch.manual_seed(0)
    x, y = torch.randn(16, 4), torch.randn(16, 1)
    runs = []
    for name in sorted(known & set(MAKERS)):
        model = nn.Linear(4, 1)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
        runs.append((name, model, optimizer, MAKERS[name](optimizer)))
    swa_model = torch.optim.swa_utils.AveragedModel(runs[0][1])
    ema = torch.optim.swa_utils.AveragedModel(
        runs[0][1], multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.9), use_buffers=True
    )
    swalr = torch.optim.swa_utils.SWALR(torch.optim.SGD(runs[0][1].parameters(), lr=0.1), 0.01, anneal_epochs=3)

    for epoch in checkpointed(range(5)):
        for name, model, optimizer, scheduler in runs:
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(x), y)
            loss.backward()
            optimizer.step()
            scheduler.step(loss.item()) if name == "ReduceLROnPlateau" else scheduler.step()
            emit(name, optimizer.param_groups[0]["lr"], float(model.weight.detach().double().sum()), loss.item())
        swa_model.update_parameters(runs[0][1])
        ema.update_parameters(runs[0][1])
        swalr.optimizer.step()
        swalr.step()
        emit(swalr.get_last_lr(), int(swa_model.n_averaged), float(swa_model.module.weight.detach().sum()))
        emit(float(ema.module.weight.detach().sum()))
    """


@unittest.skipUnless(HAS_TORCH, "torch is not installed")
class Optimizing(ProgramCase):
    def test_every_optimizer(self) -> None:
        self.check({"main.py": OPTIMIZERS}, at=(0, 2))

    def test_every_scheduler_and_averaged_models(self) -> None:
        self.check({"main.py": SCHEDULERS}, at=(0, 3))


@unittest.skipUnless(HAS_TORCH, "torch is not installed")
class UnwrittenMemory(ProgramCase):
    def test_memory_that_no_tensor_sees_is_not_compared(self) -> None:
        # A mean squared error stands in front of memory that nobody writes.
        self.check({"main.py": """
            import torch
            torch.manual_seed(0)
            model = torch.nn.Linear(3, 1); kept = []
            assert torch.nn.functional.mse_loss(torch.ones(8), torch.ones(8)).untyped_storage().nbytes() > 4
            x, y = torch.randn(64, 3), torch.randn(64, 1)
            for epoch in checkpointed(range(4)):
                fill = [torch.full((64, 1), float(i + 7 * epoch)) for i in range(20)]
                if len(kept) % 2: del fill
                loss = torch.nn.functional.mse_loss(model(x), y)
                model.weight.data -= 0.1; kept.append(loss.detach())
                loss.untyped_storage()[8] = id(model) % 251
                fill = None
                emit(loss.item(), [float(k) for k in kept])
            """})

    def test_what_a_tensor_sees_is_compared(self) -> None:
        from .state_cases import Program

        program = Program(
            "import torch\nw = torch.zeros(8)[2:5]; n = 0", "n += 1; new = torch.zeros(8)[2:5]"
        )
        program.step()
        recorded = program.capture()
        module = program.module
        module.new.untyped_storage()[0] = 1  # in front of it
        self.assertIsNone(program.difference(recorded))
        module.new[0] = 1
        self.assertIn("new", program.difference(recorded) or "")


if __name__ == "__main__":
    unittest.main()
