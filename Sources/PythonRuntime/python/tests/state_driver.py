"""Runs a program of the state tests: `state_driver.py record|replay PROGRAM OUT [BOUNDARY]`.

The program says where its loop is, `for epoch in checkpointed(range(5)):`, and what matters, `emit(value)`. Recording
stores the state at every boundary; replaying restores one of them in a new process, goes on, compares every later
boundary with the recorded one and every later emitted value, and prints what differs.
"""

from __future__ import annotations

import os
import pickle
import sys
import types
from typing import Any, Iterator

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from hindsight_runtime.state import Roots, Walk, capture, difference, restore  # noqa: E402


class Driver:
    def __init__(self, mode: str, program: str, out: str, boundary: int) -> None:
        self.mode, self.program, self.out, self.boundary = mode, program, out, boundary
        self.root = os.path.dirname(os.path.abspath(program))
        self.emitted: list[str] = []
        self.problems: list[str] = []
        self.recorded: list[dict[str, Any]] = []
        self.restored_at = 0

    def roots(self, frame: Any) -> Roots:
        frames = []
        while frame is not None:
            if frame.f_code.co_filename.startswith(self.root + os.sep):
                frames.append(frame)
            frame = frame.f_back
        modules = {
            name: module
            for name, module in list(sys.modules.items())
            if (getattr(module, "__file__", None) or "").startswith(self.root + os.sep)
        }
        return Roots(frames[::-1], modules, lambda owner, name: name in ("checkpointed", "emit"))

    def checkpointed(self, items: Any) -> Iterator[Any]:
        walk = Walk(self.roots(sys._getframe(1)), 60)
        items = list(items)
        start = 0
        if self.mode == "replay":
            start = self.boundary
            with open(self.out, "rb") as file:
                self.recorded = pickle.load(file)["boundaries"]
            point = self.recorded[start]
            if point["layout"] != walk.layout:
                self.problems.append("the layout differs")
            restore(walk, self.roots(sys._getframe(1)), point["stream"], point["buffers"])
            self.restored_at = point["emitted"]
            self.emitted.clear()
        for index in range(start, len(items) + 1):
            self.arrive(index, walk, self.roots(sys._getframe(1)))
            if index < len(items):
                yield items[index]

    def arrive(self, index: int, walk: Walk, roots: Roots) -> None:
        if self.mode == "record":
            captured = capture(walk, roots)
            self.recorded.append(
                {
                    "layout": walk.layout,
                    "stream": captured.stream,
                    "buffers": [bytes(buffer) for buffer in captured.buffers],
                    "lost": captured.lost,
                    "detached": captured.detached,
                    "idle": captured.idle,
                    "emitted": len(self.emitted),
                }
            )
            own = difference(walk, roots, captured.stream, captured.buffers)
            if own is not None:
                self.problems.append(f"boundary {index} differs from itself: {own}")
        else:
            point = self.recorded[index]
            found = difference(walk, roots, point["stream"], point["buffers"])
            if found is not None:
                self.problems.append(f"boundary {index}: {found}")

    def emit(self, *values: Any) -> None:
        self.emitted.append(" ".join(v.hex() if type(v) is float else repr(v) for v in values))

    def run(self) -> None:
        main = types.ModuleType("__main__")
        main.__dict__.update(
            __file__=os.path.abspath(self.program), checkpointed=self.checkpointed, emit=self.emit
        )
        sys.modules["__main__"] = main
        sys.path.insert(0, self.root)
        sys.argv = [self.program]
        with open(self.program) as file:
            source = file.read()
        import builtins

        builtins.checkpointed, builtins.emit = self.checkpointed, self.emit  # type: ignore[attr-defined]
        exec(compile(source, os.path.abspath(self.program), "exec"), main.__dict__)
        if self.mode == "record":
            with open(self.out, "wb") as out:
                pickle.dump({"boundaries": self.recorded, "emitted": self.emitted}, out)
            for point in self.recorded:
                if point["lost"]:
                    print("lost:", *point["lost"])
        else:
            with open(self.out, "rb") as recording:
                expected = pickle.load(recording)["emitted"][self.restored_at :]
            if expected != self.emitted:
                self.problems.append(f"emitted {self.emitted[:3]}, recorded {expected[:3]}")
            print("values:", len(self.emitted))
        for problem in self.problems:
            print("problem:", problem)


if __name__ == "__main__":
    Driver(*sys.argv[1:4], int(sys.argv[4]) if len(sys.argv) > 4 else 0).run()
