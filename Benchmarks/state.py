"""What a checkpoint costs the program, and what filling one in costs a replay.

    python Benchmarks/state.py [--json] [--quick]

Needs PyTorch and NumPy for the models and arrays; without them only data in lists are measured. Figures are in
milliseconds. The program waits for the walk once for each entry of a loop, for `walk again` where a loop around it
has walked already, and at a checkpoint for `capture` and `copy`. `first` is the first checkpoint, which has to copy
everything into fresh shared memory; `next` is the median of nine (`--quick`: seven) following ones, between which the
program works on (a large array that stays as it is is compared at the first three, and where Linux tells what was
written, not after); `handed` is what the collector then has to hash and may have to store, in MB. `restore` and
`compare` happen in replays: filling in the state before the last step, and comparing a state that is the recorded one.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import mmap
import os
import statistics
import subprocess
import sys
import time
import types
from typing import Any, Callable, Optional

PYTHON = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../Sources/PythonRuntime/python")

NAME = "benchmarked_program"

MODEL = """
import torch
torch.manual_seed(1)
width, depth = {width}, {depth}
layers = [torch.nn.Linear(width, width) for _ in range(depth)]
model = torch.nn.Sequential(*layers)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
history = []

def step():
    optimizer.zero_grad(set_to_none=True)
    loss = model(torch.ones(1, width)).square().mean()
    loss.backward()
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    history.append(float(loss.detach()))

step()
"""

#: A program that reads its data and changes little else.
READING = """
import random
random.seed(1)
data = {data}
weights = [0.0] * 10

def step():
    weights[0] += 0.5
    {change}
"""

ROWS = "[[float(i), i % 10, 0] for i in range(1_000_000)]"
TUPLES = "[(float(i), i % 10, 0) for i in range(1_000_000)]"
NUMBERS = "list(map(float, range(1_000_000)))"
RECORDS = "[{'x': float(i), 'label': str(i % 10), 'words': [i % 7, i % 5]} for i in range(300_000)]"
ARRAY = "__import__('numpy').random.default_rng(1).normal(size=25_000_000)"


def reading(data: str, change: str = "pass") -> str:
    return READING.format(data=data, change=change)


#: Title, what it needs, source, whether `--quick` has it.
CASES: list[tuple[str, str, str, bool]] = [
    ("model of 1 M parameters, Adam", "torch", MODEL.format(width=500, depth=4), True),
    ("model of 25 M parameters, Adam", "torch", MODEL.format(width=1250, depth=16), False),
    ("model of 110 M parameters, Adam", "torch", MODEL.format(width=2140, depth=24), False),
    ("a million numbers in a list, unchanged", "", reading(NUMBERS), True),
    ("a million tuples of 3 in a list, unchanged", "", reading(TUPLES), True),
    ("a million lists of 3 in a list, unchanged", "", reading(ROWS), True),
    ("the same, one of them changes", "", reading(ROWS, "data[7][1] += 1"), False),
    ("the same, one is appended", "", reading(ROWS, "data.append([0.5, 1])"), False),
    ("the same, shuffled", "", reading(ROWS, "random.shuffle(data)"), False),
    ("the same, all of them change", "", reading(ROWS, "[row.append(row.pop() + 1) for row in data]"), False),
    ("300,000 dictionaries with a list in each, unchanged", "", reading(RECORDS), True),
    ("an array of 200 MB, unchanged", "numpy", reading(ARRAY), True),
    ("the same, one number changes", "numpy", reading(ARRAY, "data[12_500_000] += 1"), True),
    ("the same, all of it changes", "numpy", reading(ARRAY, "data.__iadd__(1)"), False),
]

COLUMNS = {
    "objects": "objects", "bytes": "MB",
    "walk": "walk", "walkAgain": "walk again",
    "captureFirst": "first: capture", "copyFirst": "copy",
    "capture": "next: capture", "copy": "copy", "handed": "handed",
    "restore": "restore", "compare": "compare",
}  # fmt: skip


class Collector:
    """Stands at the other end of the line: maps the memory that the state is copied into."""

    def __init__(self) -> None:
        self.memory: Optional[mmap.mmap] = None

    def send_descriptor(self, message: dict[str, Any], descriptor: int) -> None:
        self.memory = mmap.mmap(descriptor, message["size"], prot=mmap.PROT_READ)


class Timer:
    def __init__(self) -> None:
        self.times: dict[str, list[float]] = {}

    def measure(self, name: str, action: Callable[[], Any]) -> Any:
        began = time.perf_counter()
        result = action()
        self.times.setdefault(name, []).append((time.perf_counter() - began) * 1000)
        return result

    def medians(self) -> dict[str, float]:
        return {name: statistics.median(times) for name, times in self.times.items()}


def measured(title: str, source: str, times: int) -> dict[str, Any]:
    from hindsight_runtime import state
    from hindsight_runtime.sharedbuffer import SharedBuffer

    module = types.ModuleType(NAME)
    sys.modules[NAME] = module
    exec(compile(source, "benchmarked.py", "exec"), module.__dict__)
    roots = state.Roots([], {NAME: module})
    collector = Collector()
    buffer = SharedBuffer(collector)  # type: ignore[arg-type]
    timer = Timer()
    # What the very first walk takes besides are imports.
    state.Walk(state.Roots([], {}))
    walk = timer.measure("walk", lambda: state.Walk(roots))
    timer.measure("walkAgain", lambda: state.Walk(roots))
    size, places = 0, []
    handed = []
    for number in range(times + 1):
        module.__dict__["step"]()
        suffix = "" if number else "First"
        captured = timer.measure("capture" + suffix, lambda: state.capture(walk, roots))
        places = timer.measure(
            "copy" + suffix, lambda: buffer.fill([captured.stream, *captured.buffers])
        )
        size = captured.size
        if number:
            newest = max(since for _, _, since in places)
            handed.append(sum(length for _, length, since in places if since == newest))
        del captured
    assert collector.memory is not None
    with memoryview(collector.memory) as memory:
        parts = [memory[offset : offset + length] for offset, length, _ in places]
        stream, buffers = bytes(parts[0]), parts[1:]
        for _ in range(times):
            module.__dict__["step"]()
            timer.measure("restore", lambda: state.restore(walk, roots, stream, buffers))
            found = timer.measure("compare", lambda: state.difference(walk, roots, stream, buffers))
            if found is not None:
                raise AssertionError(f"the state was restored and differs: {found.text}")
        for part in parts:
            part.release()
    del sys.modules[NAME]
    return {
        "case": title,
        "objects": walk.count,
        "bytes": size / 1e6,
        "handed": statistics.median(handed) / 1e6,
        **timer.medians(),
    }


def cases(quick: bool) -> list[tuple[str, str, str, bool]]:
    return [
        case
        for case in CASES
        if (case[3] or not quick) and (not case[1] or importlib.util.find_spec(case[1]) is not None)
    ]


def measure(here: Any) -> None:
    """As a part of all benchmarks: in an interpreter that has PyTorch."""
    import setting

    command = [here.python, os.path.abspath(__file__), "--json"] + ["--quick"] * here.quick
    with setting.folder() as home:
        text = subprocess.run(
            command, env=here.environment(home), check=True, capture_output=True, encoding="utf-8"
        ).stdout
    results = [json.loads(line) for line in text.splitlines()]
    rows = [[result["case"], *figures(result)] for result in results]
    setting.table(["milliseconds", *COLUMNS.values()], rows)


def figures(result: dict[str, Any]) -> list[str]:
    return [
        f"{result[name]}" if name == "objects" else f"{result[name]:.1f}" for name in COLUMNS
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one object per case")
    parser.add_argument("--quick", action="store_true", help="only what takes little time and memory")
    options = parser.parse_args()
    if not options.json:
        print(f"{'':52}" + "".join(f"{title:>15}" for title in COLUMNS.values()))
    for title, _, source, _ in cases(options.quick):
        # More than twice the three checkpoints after which what is unchanged is believed to be.
        result = measured(title, source, 7 if options.quick else 9)
        if options.json:
            print(json.dumps(result), flush=True)
        else:
            print(f"{title:52}" + "".join(f"{figure:>15}" for figure in figures(result)), flush=True)


if __name__ == "__main__":
    sys.path.insert(0, PYTHON)
    main()
