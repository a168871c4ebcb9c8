"""What this process was started with, kept before the program can change it."""

from __future__ import annotations

import _signal
import os
from typing import Any

environment: dict[str, str] = dict(os.environ)

#: Variables that a replay has set to keep trackers and launchers quiet. What the program makes of them says nothing.
own_variables: frozenset[str] = frozenset()


def handlers() -> dict[int, Any]:
    """What every signal is answered by, as the interpreter keeps it."""
    # That of `signal` makes members of enumerations, which takes its time.
    return {number: _signal.getsignal(number) for number in range(1, _signal.NSIG)}


signal_handlers = handlers()
