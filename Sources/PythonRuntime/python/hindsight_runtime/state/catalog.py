"""Brings all kinds together: importing this module registers them, in the order in which rules are asked."""

from __future__ import annotations

import contextlib
import sys
from typing import Any

# The order matters: earlier rules win.
from . import (
    functions,
    caches,
    contexts,
    foreign,
    opaque,
    weak,
    arrays,
    tables,
    jaxarrays,
    steppers,
    tensors,
    library,
    fallback,
)  # noqa: F401, I001

__all__ = ["torch_overrides_off"]


def torch_overrides_off() -> Any:
    """Plain access to tensors of every subclass, whatever `__torch_function__` says."""
    c = getattr(sys.modules.get("torch"), "_C", None)
    guard = getattr(c, "DisableTorchFunction", None) or getattr(c, "DisableTorchFunctionSubclass", None)
    return contextlib.nullcontext() if guard is None else guard()
