"""Loops that are too short to be worth observing.

A loop of four additions takes less time than noting that it began. A statement whose activations turn out to
be that short, and never log, is left alone from some activation on: it has no place in coordinates, the order
of events or checkpoints any more. The recorder tells when, and a replay does the same at the same activation.
"""

from __future__ import annotations

from typing import Callable, Mapping, Optional

#: Seconds: observing an activation costs about a hundredth of this.
SHORT = 300e-6
#: Activations between two looks at a statement's times.
SAMPLE = 64
#: What the recorder calls its announcements: this, and the loop.
PREFIX = "short:"


class ShortLoops:
    def __init__(
        self,
        tell: Optional[Callable[[str, int], None]] = None,
        limits: Optional[Mapping[str, int]] = None,
    ) -> None:
        #: Loops that are left alone by now.
        self.left_alone: set[str] = set()
        #: How often each statement was entered while it was observed: part of a checkpoint.
        self.entered: dict[str, int] = {}
        self._tell = tell
        self._limits = dict(limits or {})
        self._seconds: dict[str, float] = {}
        self._loud: set[str] = set()

    def enter(self, identity: str) -> int:
        """The how manieth activation this is."""
        count = self.entered[identity] = self.entered.get(identity, 0) + 1
        return count

    def mark_loud(self, identity: str) -> None:
        """It logs: then its cost is nothing beside that."""
        self._loud.add(identity)

    def leave(self, identity: str, seconds: float) -> None:
        """While recording: an activation took this long."""
        total = self._seconds.get(identity, 0.0) + seconds
        self._seconds[identity] = total
        count = self.entered[identity]
        if count % SAMPLE or identity in self._loud or total >= SHORT * count:
            return
        if identity not in self.left_alone and self._tell is not None:
            self._tell(identity, count)
            self._leave_alone(identity)

    def leave_as_recorded(self, identity: str) -> None:
        """While replaying: an activation ended."""
        if self.entered[identity] >= self._limits.get(identity, 1 << 62):
            self._leave_alone(identity)

    def _leave_alone(self, identity: str) -> None:
        self.left_alone.add(identity)

    def restore(self, entered: Mapping[str, int]) -> None:
        """A replay has jumped to where the statements had been entered so often."""
        self.entered = dict(entered)
        for identity, limit in self._limits.items():
            if self.entered.get(identity, 0) >= limit:
                self._leave_alone(identity)


def limits(initial: Mapping[str, str]) -> dict[str, int]:
    """From which activation on loops are left alone, out of what the recorder told."""
    start = len(PREFIX)
    return {name[start:]: int(n) for name, n in initial.items() if name.startswith(PREFIX)}
