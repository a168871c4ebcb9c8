"""Start of the analysis side process."""

from __future__ import annotations

import gc
import os
import signal
import sys


def main() -> None:
    """Serves stdin and stdout until the input ends."""
    from .server import Server

    # An interrupt in the terminal is meant for the parent, which ends this process by closing the
    # pipe.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "wb")
    # Whatever prints by mistake must not get between the answers.
    os.dup2(2, 1)
    sys.setrecursionlimit(4000)
    # Trees are long-lived and free of cycles: collecting costs more than it gives.
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    try:
        Server().serve(sys.stdin.buffer, answers)
    except BrokenPipeError:
        pass


if __name__ == "__main__":
    main()
