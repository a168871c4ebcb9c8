"""The stand-in for an object that a checkpoint could not carry."""

from __future__ import annotations

from typing import Any, NoReturn

from .errors import LostStateUsed


class Lost:
    """Stands where an object that could not be captured stood.

    Any use raises, so that a restored program never goes on with a wrong value in silence. Hashing and identity
    work: containers may hold it.
    """

    __slots__ = ("_type_name", "__weakref__")

    def __init__(self, type_name: str) -> None:
        object.__setattr__(self, "_type_name", type_name)

    def _used(self, *_: Any, **__: Any) -> NoReturn:
        name = object.__getattribute__(self, "_type_name")
        raise LostStateUsed(
            f"This {name} existed when the checkpoint was taken but could not be stored with it."
        )

    def __iter__(self) -> Lost:
        return self  # so that a `zip` or `enumerate` that draws from a lost iterator can be made again

    __getattr__ = __setattr__ = __delattr__ = _used
    __repr__ = __str__ = __format__ = __bytes__ = __bool__ = _used  # type: ignore[assignment]
    __call__ = __next__ = __len__ = __contains__ = _used
    __getitem__ = __setitem__ = __delitem__ = __enter__ = __exit__ = _used
    __int__ = __float__ = __index__ = __complex__ = __abs__ = __neg__ = _used
    __lt__ = __le__ = __gt__ = __ge__ = _used
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _used
    __truediv__ = __rtruediv__ = __floordiv__ = __mod__ = __pow__ = __matmul__ = __rmatmul__ = _used


class Unset:
    """Marks, as a class, a slot, a cell or a name without a value."""


class Unknown:
    """Marks, as a class, contents that could not be read; restoring leaves the live ones alone."""


class Same:
    """Marks, as a class, recorded contents that need no comparing."""
