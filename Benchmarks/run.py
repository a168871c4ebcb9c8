"""All benchmarks: `python3 Benchmarks/run.py` (see README.md)."""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import sys

import setting

#: What is measured, in order; each is a module with `measure(setting) -> None`.
ALL = {
    "servers": "language servers: start, open, edit, hover, memory",
    "keystrokes": "200 characters a second in a 5,000-line file",
    "recording": "what recording costs, and what a question costs afterwards, against the peers",
    "firstvalue": "from the last keystroke to the first value",
    "answers": "from the last keystroke to the whole answer; two workers; cancelling",
    "state": "what a checkpoint costs the program, and filling one in a replay",
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"some of: {', '.join(ALL)}; all where none is named")
    parser.add_argument("--hindsight", help="the executable; else the package is built for release")
    parser.add_argument(
        "--python", help="an interpreter with PyTorch; else an environment is made for it"
    )
    parser.add_argument("--quick", action="store_true", help="fewer repetitions: to see that it works")
    arguments = parser.parse_args()
    unknown = [part for part in arguments.parts if part not in ALL]
    if unknown:
        parser.error(f"there is no part {unknown[0]!r}; there are {', '.join(ALL)}")
    here = setting.prepare(arguments.hindsight, arguments.python, arguments.quick)
    print(f"{platform.platform()}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
    print(f"{here.hindsight}, {here.python}")
    for part, what in ALL.items():
        if arguments.parts and part not in arguments.parts:
            continue
        if not os.path.exists(os.path.join(os.path.dirname(__file__), part + ".py")):
            continue
        print(f"\n## {part}: {what}\n", flush=True)
        importlib.import_module(part).measure(here)
    return 0


if __name__ == "__main__":
    sys.exit(main())
