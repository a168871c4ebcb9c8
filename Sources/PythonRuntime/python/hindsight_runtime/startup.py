"""Decides what this interpreter is to Hindsight: a program to record, a replay worker, or nothing."""

from __future__ import annotations

import os
import sys

from . import programs

#: What the collector or the worker's launcher puts into the environment, and the program must not see.
CHANNEL_VARIABLES = (
    "HINDSIGHT_MODE",
    "HINDSIGHT_SOCKET",
    "HINDSIGHT_CHANNEL",
    "HINDSIGHT_ROOT",
    "HINDSIGHT_BUDGET",
    "HINDSIGHT_HASHSEED",
    "HINDSIGHT_OWN",
)


def start() -> None:
    """Called once per interpreter, before the main script is looked for."""
    settings = {name: os.environ.get(name) for name in CHANNEL_VARIABLES}
    mode = settings["HINDSIGHT_MODE"]
    if mode == "replay":
        hide_traces(settings)
        from . import baseline, replayer

        baseline.own_variables = frozenset((settings["HINDSIGHT_OWN"] or "").split())
        replayer.start(int(settings["HINDSIGHT_CHANNEL"] or -1))
    elif mode == "record":
        try:
            root = os.path.abspath(settings["HINDSIGHT_ROOT"] or os.getcwd())
            program = programs.main_program(root)
            # A launcher may give the programs it starts a copy of what it sees: it is to see all.
            if program is not None:
                hide_traces(settings)
                from . import recorder

                recorder.start(program, settings)
        except Exception as error:  # recording must never stop a program from running
            if os.environ.get("HINDSIGHT_DEBUG"):
                raise
            sys.stderr.write(
                f"hindsight: this program runs unrecorded: {type(error).__name__}: {error}\n"
            )


def hide_traces(settings: dict[str, str | None]) -> None:
    """Take Hindsight's variables out of the program's view, but leave them to processes it starts.

    `os.environ` is a copy of the C environment: dropping a key from the copy's dictionary hides it, while a
    child started with the inherited environment is still found by this file.
    """
    hidden = list(CHANNEL_VARIABLES)
    if settings["HINDSIGHT_HASHSEED"]:
        hidden.append("PYTHONHASHSEED")
    data = os.environ._data  # type: ignore[attr-defined]
    for name in hidden:
        data.pop(os.environ.encodekey(name), None)  # type: ignore[attr-defined]
    folder = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "start")
    key = os.environ.encodekey("PYTHONPATH")  # type: ignore[attr-defined]
    value = data.get(key)
    if value is None:
        return
    entries = os.environ.decodevalue(value).split(os.pathsep)  # type: ignore[attr-defined]
    if entries and entries[0] == folder:
        entries = entries[1:]
        if entries:
            data[key] = os.environ.encodevalue(os.pathsep.join(entries))  # type: ignore[attr-defined]
        else:
            del data[key]
