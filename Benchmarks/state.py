"""What a checkpoint costs the program, and what filling one in costs a replay.

    python Benchmarks/state.py [--json] [--quick]

Needs PyTorch for the models; without it only the data in lists are measured. Every figure is the median of several
measurements, in milliseconds. `walk` happens once for each entry of a loop; `capture` is what the program waits for
at a checkpoint, before the copy into shared memory, which `copy` measures with a buffer that is in use already;
`restore` and `compare` happen in replays.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import sys
import time
import types
from typing import Any, Callable

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../Sources/PythonRuntime/python"))

from hindsight_runtime import state  # noqa: E402

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
    history.append(float(loss.detach()))

step()
"""

LISTS = """
data = [(float(i), i % 10) for i in range(1_000_000)]
weights = [0.0] * 10

def step():
    weights[0] += data[len(data) // 2][0]
"""

CHANGING = """
data = [[float(i), i % 10] for i in range(1_000_000)]
weights = [0.0] * 10

def step():
    weights[0] += data[len(data) // 2][0]
    data[7][1] += 1
"""

NUMBERS = """
import array
data = list(map(float, range(1_000_000)))
names = {{str(i): i for i in range(200_000)}}
weights = [0.0] * 10

def step():
    weights[0] += data[len(data) // 2]
"""

READ_ONLY_ARRAY = """
import numpy
data = numpy.random.default_rng(1).normal(size=(25_000_000,)).astype(numpy.float32)
data.flags.writeable = False
weights = [0.0] * 10

def step():
    weights[0] += float(data[3])
"""

#: Title, what it needs, source, whether `--quick` has it.
CASES: list[tuple[str, str, str, bool]] = [
    ("model of 1 M parameters, Adam", "torch", MODEL.format(width=500, depth=4), True),
    ("model of 25 M parameters, Adam", "torch", MODEL.format(width=1250, depth=16), False),
    ("model of 110 M parameters, Adam", "torch", MODEL.format(width=2140, depth=24), False),
    ("a million tuples in a list, read only", "", LISTS, True),
    ("a million numbers in a list, and 200,000 in a dictionary, read only", "", NUMBERS.format(), True),
    ("a million lists in a list, one of them changing", "", CHANGING, False),
    ("an array of 100 MB, read only", "numpy", READ_ONLY_ARRAY, True),
]


def milliseconds(action: Callable[[], Any], times: int) -> float:
    measured = []
    for _ in range(times):
        began = time.perf_counter()
        result = action()
        measured.append((time.perf_counter() - began) * 1000)
        del result
    return statistics.median(measured)


def measure(title: str, source: str, times: int) -> dict[str, Any]:
    module = types.ModuleType(NAME)
    sys.modules[NAME] = module
    exec(compile(source, "benchmarked.py", "exec"), module.__dict__)
    roots = state.Roots([], {NAME: module})
    walks: list[state.Walk] = []

    def walk() -> None:
        walks[:] = [state.Walk(roots)]

    walked = milliseconds(walk, 3)
    module.__dict__["step"]()
    captured = state.capture(walks[0], roots)
    stream, buffers = captured.stream, [bytearray(buffer) for buffer in captured.buffers]

    def copy() -> None:
        for target, view in zip(buffers, captured.buffers):
            target[:] = view

    result = {
        "case": title,
        "objects": walks[0].count,
        "bytes": captured.size,
        "walk": walked,
        "capture": milliseconds(lambda: state.capture(walks[0], roots), times),
        "copy": milliseconds(copy, times),
        "compare": milliseconds(lambda: check(walks[0], roots, stream, buffers), times),
        "restore": milliseconds(lambda: state.restore(walks[0], roots, stream, buffers), times),
    }
    del sys.modules[NAME]
    return result


def check(walk: state.Walk, roots: state.Roots, stream: bytes, buffers: list[bytearray]) -> None:
    difference = state.difference(walk, roots, stream, buffers)
    if difference is not None:
        raise AssertionError(f"the state was captured and differs from itself: {difference}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one object per case")
    parser.add_argument("--quick", action="store_true", help="only what takes little time and memory")
    options = parser.parse_args()
    columns = ("walk", "capture", "copy", "restore", "compare")
    if not options.json:
        print(f"{'':70}{'objects':>10}{'MB':>9}" + "".join(f"{c:>10}" for c in columns))
    for title, needed, source, is_quick in CASES:
        if options.quick and not is_quick or needed and importlib.util.find_spec(needed) is None:
            continue
        result = measure(title, source, 3 if options.quick else 5)
        if options.json:
            print(json.dumps(result), flush=True)
        else:
            figures = "".join(f"{result[c]:10.2f}" for c in columns)
            print(f"{title:70}{result['objects']:10}{result['bytes'] / 1e6:9.1f}{figures}", flush=True)


if __name__ == "__main__":
    main()
