"""Keeps the runtime's own frames out of the tracebacks that the program prints."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any, Optional

from .programs import RUNTIME_FOLDER


def is_ours(traceback: TracebackType) -> bool:
    return traceback.tb_frame.f_code.co_filename.startswith(RUNTIME_FOLDER)


def cleaned(traceback: Optional[TracebackType], is_script: bool) -> Optional[TracebackType]:
    """The same traceback without our frames; for a script also without those of `runpy` that lead to it."""
    entries = []
    while traceback is not None:
        entries.append(traceback)
        traceback = traceback.tb_next
    start = 0
    if is_script:
        while start < len(entries) and (
            is_ours(entries[start]) or entries[start].tb_frame.f_globals.get("__name__") == "runpy"
        ):
            start += 1
    kept = [entry for entry in entries[start:] if not is_ours(entry)]
    following: Optional[TracebackType] = None
    for entry in reversed(kept):
        entry.tb_next = following
        following = entry
    return following


def clean_exception(error: Optional[BaseException], is_script: bool) -> None:
    """Cleans an exception and the ones it came from."""
    seen: set[int] = set()
    pending = [error]
    while pending:
        current = pending.pop()
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        current.__traceback__ = cleaned(current.__traceback__, is_script)
        pending += [current.__cause__, current.__context__]


def clean_what_is_printed(is_script: bool) -> None:
    """To be called while an exception is on its way out of the main script: `runpy`'s and our frames are
    added to it later, right before the program's own hook prints it."""
    printing = sys.excepthook

    def excepthook(kind: Any, value: Any, traceback: Any) -> None:
        try:
            clean_exception(value, is_script)
            traceback = value.__traceback__
        except Exception:
            pass
        printing(kind, value, traceback)

    sys.excepthook = excepthook
