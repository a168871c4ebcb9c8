"""Numbers that are objects' addresses: libraries key their tables by `id(o)`, which is another one in every process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .classify import register
from .kinds import Constant

if TYPE_CHECKING:
    from .walk import Walk

#: User space on every 64-bit system; no address of an object is lower than this or higher than that.
_LOWEST, _HIGHEST = 1 << 32, 1 << 48
#: Objects lie at multiples of it.
_STEP = 16


class Address:
    """Stands, in a checkpoint, for the address of a numbered object."""

    __slots__ = ("number",)

    def __init__(self, number: int) -> None:
        self.number = number

    def __reduce__(self) -> Any:
        return Address, (self.number,)

    def __eq__(self, other: object) -> bool:
        return type(other) is Address and other.number == self.number

    def __hash__(self) -> int:
        return hash(("address", self.number))


register(Constant(), Address)


def may_be_address(value: object) -> bool:
    return type(value) is int and _LOWEST < value < _HIGHEST and value % _STEP == 0


def named(values: list[Any], walk: Walk) -> list[Any]:
    """Values with the addresses of numbered objects replaced by what the objects are numbered."""
    index = walk.index
    if not values or type(values[0]) is not int or not any(v in index for v in values if may_be_address(v)):
        return values
    return [Address(index[v][0]) if may_be_address(v) and v in index else v for v in values]


def live(values: list[Any], walk: Walk) -> list[Any]:
    """The other way round, with the addresses that the objects have here."""
    if not any(type(value) is Address for value in values):
        return values
    return [id(walk.objects[v.number]) if type(v) is Address else v for v in values]
