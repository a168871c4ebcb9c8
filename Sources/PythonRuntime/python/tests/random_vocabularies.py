"""What random programs may be made of besides: files of their own, NumPy, PyTorch."""

from __future__ import annotations

import dataclasses
import importlib.util


@dataclasses.dataclass(frozen=True)
class Vocabulary:
    #: Definitions, without an empty line.
    header: str
    numbers: tuple[str, ...]
    actions: tuple[str, ...]
    looks: tuple[str, ...]


#: Written in a folder that is not there when a program starts.
FILES = Vocabulary(
    """\
import json
os.makedirs("out")
def remember(amount):
    with open("out/notes.txt", "a") as file:
        file.write(f"{amount}\\n")
def recall():
    with open("out/notes.txt") as file:
        return [int(line) for line in file]
def save(amount):
    with open("out/state.tmp", "w") as file:
        json.dump({"n": shared["n"], "amount": amount, "data": data}, file)
    os.replace("out/state.tmp", "out/state.json")
def load():
    if not os.path.exists("out/state.json"):
        return 0
    with open("out/state.json") as file:
        return json.load(file)["amount"]
remember(1)
journal = open("out/journal.txt", "w+")
""",
    (
        "sum(recall()) % 9",
        "load()",
        "journal.tell() % 7",
        "len(os.listdir('out'))",
        "os.path.getsize('out/notes.txt') % 11",
    ),
    (
        "remember({n})",
        "remember({n})",
        "save({n})",
        "journal.write(str({n}) + ';')",
        "journal.flush()",
        "journal.seek({n})",
        "data[0] = len(journal.read()) % 10",
        "open('out/part%d.txt' % ({n} % 3), 'w').close()",
        "os.path.exists('out/part1.txt') and os.remove('out/part1.txt')",
    ),
    (
        "load(), len(recall())",
        "journal.tell()",
        "sorted(os.listdir('out'))",
        "recall()[-3:]",
    ),
)

#: Rows of tables that are large enough to be taken as a whole.
ROWS = Vocabulary(
    """\
rows = [[i, float(i), "x"] for i in range(300)]
groups = {i: {"n": i, "members": [i]} for i in range(260)}
order = rows[::-1]
first = rows[0]
kept = []
""",
    (
        "rows[5][0] % 9",
        "len(kept) % 7",
        "sum(row[0] for row in order) % 9",
        "len(groups[3]['members']) % 7",
    ),
    (
        "rows[{n} % 250][0] += {n}",
        "rows[{n}][1] = -rows[{n}][1]",
        "rows.sort(key=lambda row: row[0] % 10)",
        "rows.append(rows.pop(0))",
        "kept.append(rows.pop({n}) if len(rows) > 280 else [{n}])",
        "kept and rows.extend(kept[-2:])",
        "first.append({n})",
        "order.reverse()",
        "groups[{n}]['members'].append({n})",
        "groups.update({{1000 + {n}: {{'n': {n}, 'members': rows[{n}]}}}})",
        "shared.update(row=rows[{n}])",
        "shared.get('row', first)[0] += 3",
        "rows.__setitem__({n}, shared.get('row', [{n}, 0.5]))",
    ),
    (
        "sum(row[0] for row in rows), first, len(kept)",
        "[rows.index(row) for row in (first, order[7]) if row in rows]",
        "[any(row is other for other in rows) for row in (first, shared.get('row'), order[3], kept[-1:])]",
        "shared.get('row')",
        "groups[3], sum(sum(group['members'][:1]) for group in groups.values())",
    ),
)

NUMPY = Vocabulary(
    """\
import numpy as np
np.random.seed(11)
rng = np.random.default_rng(5)
old = np.random.RandomState(6)
array = np.arange(6.0)
view = array[1:4]
matrix = np.zeros((2, 3))
flat = matrix.reshape(-1)
table = np.array([(1, 2.0), (3, 4.0)], dtype=[("a", "i4"), ("b", "f8")])
things = np.array([data, alias, None], dtype=object)
""",
    (
        "int(rng.integers(9))",
        "int(old.randint(9))",
        "int(np.random.randint(9))",
        "int(array.sum()) % 9",
        "int(abs(flat).sum()) % 9",
        "int(table['a'].sum()) % 7",
        "len(things[1])",
    ),
    (
        "array[{n} % 6] += {n}",
        "view[:] = view[::-1] + 0.5",
        "rng.shuffle(array)",
        "old.shuffle(data)",
        "flat[{n} % 6] = rng.normal()",
        "matrix[{n} % 2] = old.rand(3)",
        "matrix.T[0, 1] = {n}",
        "np.random.shuffle(view)",
        "table['b'][{n} % 2] *= 1.25",
        "things[2] = {n}",
        "shared.update(spawned=rng.spawn(1)[0].integers(9) if hasattr(rng, 'spawn') else 0)",
    ),
    (
        "array.tolist(), view.tolist(), view.base is array",
        "matrix.tolist(), flat.tolist()",
        "rng.bit_generator.state['state']['state'] % 1000, old.get_state()[2]",
        "table.tolist(), things[0] is data",
        "np.random.get_state()[2]",
    ),
)

TORCH = Vocabulary(
    """\
import torch
torch.manual_seed(3)
model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Dropout(0.2), torch.nn.Linear(3, 2))
model[2].weight.data[0] = 0.5
shadow = model[0].weight.detach().view(-1)
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
schedule = torch.optim.lr_scheduler.StepLR(optimizer, 3, 0.9)
draws = torch.Generator().manual_seed(4)
bank = torch.zeros(6)
half, swapped = bank[:3], bank.view(2, 3).t()
best = {}
def train(amount):
    optimizer.zero_grad()
    loss = model(torch.randn(4, 2, generator=draws)).square().mean() * (1 + amount)
    loss.backward()
    optimizer.step()
    bank[amount % 6] = loss.item()
    return float(loss)
""",
    (
        "int(torch.randint(9, ()))",
        "int(torch.randint(9, (), generator=draws))",
        "int(bank.sum() * 100) % 9",
        "int(train(1) * 1000) % 9",
        "len(optimizer.state)",
    ),
    (
        "train({n})",
        "train({n})",
        "schedule.step()",
        "half.mul_(0.5)",
        "swapped[{n} % 3, 0] = {n}",
        "shadow[{n} % 6] += 0.01",
        "model.train({n} % 2 == 0)",
        "best.update({{k: v.clone() for k, v in model.state_dict().items()}})",
        "best and model.load_state_dict(best)",
        "model[0].weight.requires_grad_({n} % 4 != 0)",
        "optimizer.param_groups[0].update(lr=0.001 * (1 + {n}))",
    ),
    (
        "model[0].weight.tolist(), shadow.tolist()",
        "bank.tolist(), half.tolist(), swapped.shape",
        "optimizer.state_dict()['param_groups'][0]['lr'], model.training",
        "[p.grad is None or p.grad.norm().item() for p in model.parameters()]",
        "draws.get_state().sum().item(), torch.get_rng_state().sum().item()",
        "sorted((k, v.sum().item()) for k, v in best.items())",
    ),
)


def available(with_torch: bool) -> list[tuple[Vocabulary, ...]]:
    """Those that this interpreter can run, alone and together."""
    sets: list[tuple[Vocabulary, ...]] = [(), (FILES,), (ROWS,)]
    if importlib.util.find_spec("numpy"):
        sets += [(NUMPY,), (FILES, NUMPY)]
    if with_torch:
        sets += [(TORCH,), (FILES, NUMPY, TORCH)]
    return sets
