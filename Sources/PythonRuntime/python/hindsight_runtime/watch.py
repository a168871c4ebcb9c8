"""Whether probes leave the program's data as they found it, where nothing recorded comes after them.

Behind the last checkpoint only log lines and the end of the run remain as evidence, and neither shows a tensor
written in place or a module left in evaluation mode. There the data are compared with what they were right
before the probes, as they are with a checkpoint. Where that would take too long, see `control`.
"""

from __future__ import annotations

import time
from types import FrameType
from typing import Any, Callable, Optional

#: Seconds that watching may take in all, and what part of the replay's time besides.
LONGEST = 3.0
SHARE = 0.5
#: A statement's first executions are watched whatever they take, and later ones at growing distances.
ALWAYS = 2
#: What has more objects than can be walked in this time cannot be watched.
LONGEST_WALK = 10.0


class Watch:
    def __init__(self, roots: Callable[..., Any]) -> None:
        self._roots = roots
        self._spent = 0.0
        self._began: Optional[float] = None
        self._executions: dict[str, int] = {}
        self._before: Optional[tuple[str, Any, Any, bytes, list[bytearray]]] = None
        #: Why an execution could not be watched.
        self.problem: Optional[str] = None
        self._cannot = False
        #: Why the last execution may have done something unseen.
        self.missed: Optional[str] = None

    def begin(self, site: str, frame: FrameType) -> None:
        """Right before the first of the probes that stand together."""
        count = self._executions.get(site, 0)
        self._executions[site] = count + 1
        self._before = None
        self.missed = None
        if self._cannot:
            return
        began = time.perf_counter()
        if self._began is None:
            self._began = began
        if self._spent > LONGEST + SHARE * (began - self._began) and not _is_picked(count):
            self.missed = "it was executed more often than the program's data could be compared"
            return
        from . import state
        from .suspended import MOST, extended, with_generators

        try:
            roots, walk, generators = with_generators(lambda: self._roots(frame), LONGEST_WALK)
            captured = state.capture(walk, roots)
            if len(generators) >= MOST:
                self.missed = "it has too many generators to look into"
            if captured.lost:
                self.missed = f"{captured.lost[0]} cannot be compared"
            before = captured.stream, [bytearray(b) for b in captured.buffers]
            # What differs from itself would be held against the probe.
            flaw = None
            if count == 0:
                flaw = state.difference(walk, extended(self._roots(frame), generators), *before)
            if flaw is None:
                self._before = (site, walk, generators, *before)
            else:
                self._give_up(f"the program's data cannot be compared: {flaw.text}")
        except state.StateError as error:
            self._give_up(str(error))
        self._spent += time.perf_counter() - began

    def end(self, site: str, frame: FrameType) -> Optional[str]:
        """Right behind the last of them: what they changed."""
        if self._before is None or self._before[0] != site:
            return None
        (_, walk, generators, stream, buffers), self._before = self._before, None
        from . import state
        from .suspended import extended

        began = time.perf_counter()
        try:
            roots = extended(self._roots(frame), generators)
            found = state.difference(walk, roots, stream, buffers)
            return found and found.text
        except state.StateError as error:
            self._give_up(str(error))
            return None
        finally:
            self._spent += time.perf_counter() - began

    def _give_up(self, reason: str) -> None:
        self._cannot = True
        if self.problem is None:
            self.problem = reason


def _is_picked(count: int) -> bool:
    return count < ALWAYS or count & (count - 1) == 0
