from __future__ import annotations

import importlib.util
import unittest

from .state_cases import Program, StateCase
from .state_programs import ProgramCase

HAS_TORCH = importlib.util.find_spec("torch") is not None


@unittest.skipUnless(HAS_TORCH, "torch is not installed")
class Tensors(StateCase):
    def test_memory_is_shared_as_before(self) -> None:
        self.check(
            """
            import torch
            a = torch.zeros(4, 5); view = a[1:, ::2]; turned = a.t(); flat = a.view(-1)
            p = torch.nn.Parameter(torch.ones(3)); data = p.data; tied = [p, p]
            """,
            """
            a += 1; view *= 2; data[0] += 1
            fresh = torch.arange(6.0).reshape(2, 3) * a[0, 0]; window = fresh[:, 1]; over = a[2]
            """,
            "a, view, turned, p, fresh, window, over",
            holds="a.data_ptr() == flat.data_ptr() and fresh.data_ptr() + 4 == window.data_ptr()"
            " and over.untyped_storage()._cdata == a.untyped_storage()._cdata and tied[0] is p"
            " and data.data_ptr() == p.data_ptr() and type(p) is torch.nn.Parameter",
        )

    def test_kinds_of_tensors(self) -> None:
        self.check(
            """
            import torch
            sparse = torch.eye(3).to_sparse(); half = torch.ones(2, dtype=torch.bfloat16); n = 0
            whole = torch.zeros(3, dtype=torch.int64); truth = torch.tensor([True, False])
            wave = torch.zeros(2, dtype=torch.complex64); empty = torch.empty(0, 3); scalar = torch.tensor(1.5)
            class Tagged(torch.Tensor): pass
            tagged = torch.zeros(2).as_subclass(Tagged); tagged.note = [1]
            size = torch.Size([1]); kind = torch.float32; device = torch.device('cpu')
            """,
            """
            n += 1
            sparse = sparse * 2; half += n; whole[0] = n; truth = ~truth; wave += 1j; scalar *= 2
            conj = wave.conj(); tagged += 1; tagged.note.append(n); buffer = torch.nn.Buffer(torch.ones(n))
            size = scalar.reshape(1).shape; kind = half.dtype; late = torch.zeros(2).as_subclass(Tagged) + n
            p = torch.nn.Parameter(torch.ones(n), requires_grad=False); p.grad = torch.full((n,), 2.0)
            """,
            "sparse.to_dense(), half, whole, truth, wave, conj, scalar, tagged.tolist(), tagged.note, buffer, size,"
            " kind, late.tolist(), p, p.grad, empty.shape",
            holds="type(tagged) is Tagged and type(late) is Tagged and isinstance(buffer, torch.nn.Buffer)",
        )

    def test_gradients_keep_their_identity(self) -> None:
        self.check(
            """
            import torch
            p = torch.nn.Parameter(torch.ones(3)); q = torch.nn.Parameter(torch.ones(2)); n = 0
            """,
            """
            n += 1
            (p.sum() * n + (q * q).sum()).backward(); grads = [p.grad, q.grad]
            if n == 2: q.grad = None
            """,
            "p.grad, q.grad, grads",
            holds="grads[0] is p.grad",
        )

    def test_results_come_without_their_graph(self) -> None:
        program = Program(
            "import torch\nw = torch.ones(3, requires_grad=True)\nold = (w * 2).sum()",
            "loss = (w * 3).sum(); state = (loss, [loss])",
        )
        program.step()
        shown = repr((program.observe("loss"), program.observe("old")))
        recorded = program.capture()
        self.assertEqual([], recorded.lost)
        self.assertEqual(
            [f"{program.module.__name__}.{n}" for n in ("loss", "old")], recorded.detached
        )
        self.assertIsNone(program.difference(recorded))
        program.restore(recorded)
        self.assertEqual(shown, repr((program.observe("loss"), program.observe("old"))))
        self.assertTrue(program.observe("state[0] is loss and state[1][0] is loss"))
        self.assertTrue(program.observe("loss.requires_grad and not loss.is_leaf"))
        self.assertIsNone(program.difference(recorded))
        from hindsight_runtime.state import LostStateUsed

        with self.assertRaises(LostStateUsed):
            program.observe("loss.backward()")

    def test_walk_keeps_no_graph_alive(self) -> None:
        import gc
        import weakref

        program = Program(
            "import torch\nw = torch.ones(3, requires_grad=True)\nloss = (w * 2).sum(); pair = (loss, w)\n"
            "w.grad = torch.ones(3)",
            "loss = pair = w.grad = None",
        )
        gone = weakref.ref(program.module.loss), weakref.ref(program.module.w.grad)
        program.step()
        gc.collect()
        self.assertEqual([None, None], [reference() for reference in gone])

    def test_settings_and_generators(self) -> None:
        self.check(
            """
            import torch
            torch.manual_seed(1); own = torch.Generator().manual_seed(4); drawn = []
            def reset():
                torch.set_default_dtype(torch.float32); torch.use_deterministic_algorithms(False)
            """,
            """
            drawn.append((torch.rand(1).item(), torch.rand(1, generator=own).item()))
            other = torch.Generator().manual_seed(len(drawn)); torch.rand(1, generator=other)
            torch.set_default_dtype(torch.float64 if len(drawn) == 1 else torch.float32)
            """,
            "drawn, other.get_state().sum(), torch.get_default_dtype()",
        )

    def test_changed_shape_type_and_freezing(self) -> None:
        self.check(
            """
            import torch
            p = torch.nn.Parameter(torch.ones(2, 2)); q = torch.nn.Parameter(torch.ones(3)); holder = {'p': p}
            b = torch.zeros(2); n = 0
            """,
            """
            n += 1
            p.data = torch.full((n, 3), float(n)); q.requires_grad_(n == 2); q.data = q.data.double() * n
            b.resize_(3 + n); b.zero_()
            """,
            "p, q, q.dtype, q.requires_grad, b",
            holds="holder['p'] is p",
        )


CNN = """
    import math, random, copy
    import torch, torch.nn as nn, torch.nn.functional as F
    from torch.utils.data import DataLoader, TensorDataset
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(1, 8, 3, padding=1); self.norm = nn.BatchNorm2d(8)
            self.drop = nn.Dropout(0.3); self.head = nn.Linear(8 * 16, 4)
        def forward(self, x):
            x = F.max_pool2d(torch.relu(self.norm(self.conv(x))), 2)
            return self.head(self.drop(x.flatten(1)))
    def train(model, loader, optimizer):
        model.train(); total = 0.0
        for x, y in loader:
            optimizer.zero_grad(); loss = F.cross_entropy(model(x), y); loss.backward(); optimizer.step()
            total += loss.item()
        return total, loss
    def main():
        torch.manual_seed(0)
        x = torch.randn(96, 1, 8, 8); y = torch.randint(0, 4, (96,))
        loader = DataLoader(TensorDataset(x, y), 32, shuffle=True)
        model = Net(); optimizer = torch.optim.Adam(model.parameters(), 1e-2, betas=(0.9, 0.99))
        schedule = torch.optim.lr_scheduler.StepLR(optimizer, 2); history = []; best = None; lowest = math.inf
        average = copy.deepcopy(model)
        for epoch in checkpointed(range(4)):
            total, loss = train(model, loader, optimizer)
            schedule.step()
            with torch.no_grad():
                for p, q in zip(average.parameters(), model.parameters()): p.mul_(0.9).add_(q, alpha=0.1)
            history.append({'epoch': epoch, 'loss': total, 'rate': optimizer.param_groups[0]['lr']})
            if total < lowest: lowest = total; best = copy.deepcopy(model.state_dict())
            emit(total, history[-1]['rate'], sum(p.sum().item() for p in average.parameters()))
            emit(best['head.weight'].sum().item(), model.norm.running_mean.tolist())
            emit(str(loss), sum(s['exp_avg_sq'].sum().item() for s in optimizer.state.values()))
        emit([s['step'] for s in optimizer.state.values()])
    main()
    """


@unittest.skipUnless(HAS_TORCH, "torch is not installed")
class Programs(ProgramCase):
    def test_network_with_dropout_adam_and_schedule(self) -> None:
        boundaries = self.check({"main.py": CNN})
        self.assertEqual([["main.loss"]] * 4, [b["detached"] for b in boundaries[1:]])

    def test_state_in_other_modules(self) -> None:
        self.check(
            {
                "main.py": """
                import torch
                from lib import state, steps
                torch.manual_seed(0)
                model = state.build()
                opt = torch.optim.SGD(model.parameters(), 0.01, momentum=0.9)
                sched = torch.optim.lr_scheduler.ReduceLROnPlateau(opt, patience=0)
                data = [(torch.randn(8, 10), torch.randn(8, 1)) for _ in range(5)]
                for e in checkpointed(range(3)):
                    import random; random.Random(e).shuffle(data)
                    loss = steps.one_epoch(data, opt); sched.step(loss)
                    emit(loss, state.CALLS, opt.param_groups[0]['lr'])
                """,
                "lib/__init__.py": "",
                "lib/state.py": """
                import torch
                MODEL = None; CALLS = 0; CACHE = {}
                def build():
                    global MODEL
                    MODEL = torch.nn.Sequential(torch.nn.Linear(10, 32), torch.nn.Dropout(0.1), torch.nn.Linear(32, 1))
                    return MODEL
                """,
                "lib/steps.py": """
                from . import state
                def one_epoch(data, opt, memo={}):
                    t = 0.0
                    for i, (x, y) in enumerate(data):
                        loss = ((state.MODEL(x) - y) ** 2).mean(); opt.zero_grad(); loss.backward(); opt.step()
                        t += loss.item(); state.CALLS += 1; memo[i] = t; state.CACHE.setdefault(i, []).append(t)
                    return t
                """,
            },
            at=(1, 3),
        )

    def test_practice(self) -> None:
        """Tied weights, hooks, several optimizers, a recurrent state, SWA, LBFGS, a scaler, a stream of batches."""
        self.check(
            {"main.py": """
            import collections, torch, torch.nn as nn
            from torch.optim.swa_utils import AveragedModel, SWALR
            class Tied(nn.Module):
                def __init__(self):
                    super().__init__()
                    self.encode = nn.Embedding(12, 6); self.cell = nn.LSTM(6, 6, batch_first=True)
                    self.decode = nn.Linear(6, 12, bias=False); self.decode.weight = self.encode.weight
                    self.register_buffer('seen', torch.zeros(())); self.norms = []
                    self.cell.register_forward_hook(self.note)
                def note(self, module, inputs, output): self.norms.append(output[0].norm().item())
                def forward(self, x, state=None):
                    self.seen += 1
                    out, state = self.cell(self.encode(x), state)
                    return self.decode(out), state
            def main():
                torch.manual_seed(3)
                net = nn.utils.parametrizations.weight_norm(nn.Linear(6, 6)); tied = Tied()
                first = torch.optim.AdamW([{'params': tied.cell.parameters(), 'lr': 1e-2},
                                           {'params': [tied.encode.weight], 'weight_decay': 0.0}])
                second = torch.optim.LBFGS(net.parameters(), lr=0.1, max_iter=3)
                plan = torch.optim.lr_scheduler.SequentialLR(first, [
                    torch.optim.lr_scheduler.LinearLR(first, 0.1, total_iters=2),
                    torch.optim.lr_scheduler.LambdaLR(first, lambda step: 0.9 ** step)], [2])
                swa = AveragedModel(tied); swa_plan = SWALR(second, 0.05)
                replay = collections.deque(maxlen=6); state = None; scaler = torch.amp.GradScaler('cpu')
                def closure():
                    second.zero_grad(); loss = (net(torch.ones(2, 6)) ** 2).mean(); loss.backward(); return loss
                for epoch in checkpointed(range(4)):
                    for _ in range(3):
                        x = torch.randint(0, 12, (2, 5)); out, state = tied(x, state)
                        state = tuple(s.detach() for s in state)
                        loss = nn.functional.cross_entropy(out.flatten(0, 1), x.flatten())
                        first.zero_grad(); scaler.scale(loss).backward(); scaler.step(first); scaler.update(); plan.step()
                        replay.append((x, loss.detach()))
                    second.step(closure); swa_plan.step(); swa.update_parameters(tied)
                    emit(loss.item(), tied.seen.item(), len(tied.norms), [g['lr'] for g in first.param_groups])
                    emit(sum(l.item() for _, l in replay), closure().item(), swa.module.encode.weight.sum().item())
                    emit(plan.last_epoch, second.param_groups[0]['lr'], scaler.get_scale())
                    assert tied.decode.weight is tied.encode.weight
            main()
            """},
            at=(1, 2, 4),
        )
