"""What Hindsight knows about a kind of object: how to walk, capture, restore and compare it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Iterable, Union

if TYPE_CHECKING:
    from .source import Source
    from .walk import Walk

#: How a parent names a child: an attribute (".name"), an index (3) or a key ((key,)).
Label = Union[str, int, tuple]
Children = Iterable[tuple[Label, Any]]

#: Immutable values without identity that matters: they travel by value and are not numbered.
ATOMS = {
    int, float, str, bytes, bool, complex, range, slice,
    type(None), type(...), type(NotImplemented),
}  # fmt: skip


class Kind:
    """The default is an opaque object: a reference to what the re-run program made by itself."""

    #: Goes into the layout: objects at the same path must be of the same kind.
    name = "opaque"
    #: Has contents of its own, which are captured and filled in.
    filled = False
    #: Is filled after all others, because filling hashes objects that must be complete by then.
    late = False

    def plain(self, o: Any) -> bool:
        """True where the object goes by value like a number: not numbered, nothing below it."""
        return False

    def travels(self, o: Any) -> bool:
        """True where the object goes by value even if it was there at the walk: it cannot be filled in place."""
        return False

    def holds(self, o: Any, walk: Walk) -> bool:
        """Whether this very object has contents, where objects of the kind have any."""
        return True

    def visit(self, o: Any, walk: Walk) -> Children:
        """What hangs below an object that was just numbered."""
        return self.children(o)

    def children(self, o: Any) -> Children:
        return ()

    def contents(self, o: Any, source: Source) -> Any:
        """The object's own contents, as something that pickles; None for nothing to fill in."""
        return None

    def fill(self, o: Any, contents: Any, walk: Walk) -> None:
        """Puts contents into a live object."""

    def reduce(self, o: Any, source: Source) -> Any:
        """How a new object, one that the walk has not numbered, goes by value (as for `__reduce__`)."""
        return source.lose(o)

    def shell(self, o: Any) -> Any:
        """How to make a new object that is filled later; None where it must be made at once."""
        return None

    def compared(self, o: Any, source: Source) -> Any:
        """What of a live object has to be equal."""
        return self.contents(o, source)

    def compared_by_value(self, o: Any, source: Source) -> Any:
        """What of a new object has to be equal, live or recorded."""
        return self.compared(o, source)

    def recorded(self, o: Any, contents: Any, walk: Walk) -> Any:
        """What of a recorded, numbered object has to be equal, from its contents."""
        return contents


class Constant(Kind):
    """Immutable values of library types, which compare by `==`."""

    name = "constant"

    def plain(self, o: Any) -> bool:
        return True

    def reduce(self, o: Any, source: Source) -> Any:
        return source.own_reduce(o)


class Reference(Kind):
    """Importable things: pickled by name."""

    name = "reference"

    def reduce(self, o: Any, source: Source) -> Any:
        return source.own_reduce(o)


def describe(label: Label) -> str:
    """A label in words of the program's source."""
    if type(label) is tuple:
        return f"[{label[0]!r}]"
    return label if type(label) is str else f"[{label}]"
