"""What the run made under names of `tempfile` and left behind: a replay that draws the same names must find them free."""

from __future__ import annotations

import os
import random
import shutil
from typing import Any, Iterator

#: Names that are looked for.
MOST_NAMES = 10_000


def leftovers(tempfile: Any, state: Any, run_began: float) -> Iterator[str]:
    """Paths below the folders for temporary files that bear a name which comes after this state of the generator."""
    names = _names(tempfile, state)
    if not names:
        return
    length = len(next(iter(names)))
    for folder in dict.fromkeys(tempfile._candidate_tempdir_list()):
        if folder == os.getcwd():
            continue  # what happens there was noted
        try:
            entries = os.listdir(folder)
        except OSError:
            continue
        for entry in entries:
            if any(entry[at : at + length] in names for at in range(len(entry) - length + 1)):
                path = os.path.join(folder, entry)
                if _is_younger(path, run_began):
                    yield path


def remove(path: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    else:
        os.unlink(path)


def _names(tempfile: Any, state: Any) -> set[str]:
    kind = getattr(tempfile, "_RandomNameSequence", None)
    if kind is None:
        return set()
    sequence = kind()
    sequence._rng, sequence._rng_pid = random.Random(), os.getpid()
    sequence._rng.setstate(state)
    return {next(sequence) for _ in range(MOST_NAMES)}


def _is_younger(path: str, run_began: float) -> bool:
    try:
        return os.lstat(path).st_ctime > run_began
    except OSError:
        return False
