"""What can go wrong with state, in sentences for people."""

from __future__ import annotations


class StateError(Exception):
    """Base of everything that this package raises on purpose."""


class StateTooLarge(StateError):
    """The walk over the program's state took longer than it may."""

    def __init__(self, path: str, seconds: float) -> None:
        self.path = path
        self.seconds = seconds
        super().__init__(
            f"Walking the program's state took more than {seconds:.2g} s; most of it hangs below `{path}`."
        )


class CaptureFailed(StateError):
    """The state as a whole could not be written down; nothing was captured."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"The program's state could not be captured: {reason}")


class LayoutDiffers(StateError):
    """The live program does not have the shape that the captured state was taken from."""


class LostStateUsed(StateError):
    """The program touched something that its checkpoint could not carry."""
