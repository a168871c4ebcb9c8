"""Python sources of any length, of the kind that people write to train models."""

from __future__ import annotations

_HEAD = '''"""A program of many stages, each with its own parameters and its own log line."""

import math
import random

random.seed(5)
history = []

'''

_STAGE = '''
def stage_{n}(values, rate=0.{n:04d}):
    """Moves every value towards the mean of its neighbours."""
    total = 0.0
    for index, value in enumerate(values):
        before = values[index - 1]
        after = values[(index + 1) % len(values)]
        change = rate * ((before + after) / 2 - value)
        if abs(change) > 1e-9:
            values[index] = value + change
        total += change * change
    norm_{n} = math.sqrt(total)
    history.append(norm_{n})
    return norm_{n}

'''

_TAIL = """
values = [random.gauss(0, 1) for _ in range(64)]
stages = [{stages}]
for epoch in range({epochs}):
    for stage in stages:
        norm = stage(values)
    print("epoch", epoch, "norm", norm)
print("done", len(history))
"""


def source(lines: int, epochs: int = 3) -> str:
    """A program of about so many lines."""
    count = max(1, (lines - 19) // 16)
    stages = "".join(_STAGE.format(n=number) for number in range(1, count + 1))
    names = ", ".join(f"stage_{number}" for number in range(1, count + 1))
    return _HEAD + stages + _TAIL.format(stages=names, epochs=epochs)
