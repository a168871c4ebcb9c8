"""What all parts need: the executable, interpreters with packages of their own, scratch folders, tables."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import venv
from dataclasses import dataclass
from typing import Iterator, Optional, Sequence

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PROGRAMS = os.path.join(ROOT, "Benchmarks", "programs")
#: Ignored by git, like everything that is built.
CACHE = os.path.join(ROOT, ".build", "benchmarks")

#: The same on every arm: else the allocator or a thread pool decides the comparison.
VARIABLES = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_TRIM_THRESHOLD_": "1073741824",
    "MALLOC_MMAP_THRESHOLD_": "1073741824",
}


@dataclass
class Setting:
    hindsight: str
    #: With PyTorch, for the programs that train.
    python: str
    quick: bool

    def environment(self, home: str, **variables: str) -> dict[str, str]:
        """For a program under measurement: a home of its own, and nothing of an outer Hindsight."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("HINDSIGHT_", "PYTHON"))}
        return {**kept, **VARIABLES, "HOME": home, **variables}


def prepare(hindsight: Optional[str], python: Optional[str], quick: bool) -> Setting:
    if hindsight is None:
        subprocess.run(["swift", "build", "-c", "release", "--package-path", ROOT], check=True)
        hindsight = os.path.join(ROOT, ".build", "release", "hindsight")
    if python is None:
        requirements = os.path.join(ROOT, "Tests", "Programs", "requirements.txt")
        python = environment("torch", ["-r", requirements])
    return Setting(os.path.abspath(hindsight), os.path.abspath(python), quick)


def environment(name: str, packages: Sequence[str]) -> str:
    """The interpreter of a virtual environment with these packages, made once."""
    folder = os.path.join(CACHE, f"{name}-{_digest(packages)}")
    python = os.path.join(folder, "bin", "python")
    if not os.path.exists(os.path.join(folder, "complete")):
        venv.create(folder, clear=True, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=True)
        open(os.path.join(folder, "complete"), "w").close()
    return python


def packages(python: str, name: str, *names: str) -> str:
    """A folder for PYTHONPATH with packages for an interpreter that stays as it is, made once."""
    folder = os.path.join(CACHE, f"{name}-{_digest([python, *names])}")
    if not os.path.exists(os.path.join(folder, "complete")):
        shutil.rmtree(folder, ignore_errors=True)
        command = [python, "-m", "pip", "install", "--quiet", "--target", folder, *names]
        subprocess.run(command, check=True)
        open(os.path.join(folder, "complete"), "w").close()
    return folder


def _digest(parts: Sequence[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:10]


@contextlib.contextmanager
def folder() -> Iterator[str]:
    """A project's folder, with a marker that makes it the root, and everything gone afterwards."""
    path = os.path.realpath(tempfile.mkdtemp(prefix="hindsight-benchmark-"))
    try:
        os.mkdir(os.path.join(path, ".git"))
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def run(command: Sequence[str], cwd: str, variables: dict[str, str], text: str = "") -> str:
    """What a command writes; its failure is an error that shows why."""
    result = subprocess.run(
        command, cwd=cwd, env=variables, input=text, capture_output=True, encoding="utf-8"
    )
    if result.returncode != 0:
        raise RuntimeError(
            f"{' '.join(command)} failed:\n{result.stdout[-2000:]}{result.stderr[-2000:]}"
        )
    return result.stdout


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """As Markdown, so that it can be kept as it is printed."""
    cells = [[str(cell) for cell in row] for row in [head, *rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    cells.insert(1, ["-" * width for width in widths])
    for row in cells:
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |")
    sys.stdout.flush()


def middle(values: Sequence[float]) -> float:
    return statistics.median(values)


def share(values: Sequence[float], part: float) -> float:
    """The value that this part of all lies below."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def spread(values: Sequence[float], digits: int = 2) -> str:
    """The median and the range."""
    if len(values) == 1:
        return f"{values[0]:.{digits}f}"
    return f"{middle(values):.{digits}f} ({min(values):.{digits}f}–{max(values):.{digits}f})"


def ratio(value: float, base: float) -> str:
    return f"{value / base:.2f} ×" if base > 0 else "–"
