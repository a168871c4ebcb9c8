"""Kinds for other types written in C: generators of random numbers, iterators, byte containers, files."""

from __future__ import annotations

import _random
import array
import io
import os
import stat
import sys
from typing import TYPE_CHECKING, Any

from . import rebuild
from .classify import mro, qualified_names, register, rule
from .iterators import IteratorKind
from .kinds import Kind
from .lost import Unknown

if TYPE_CHECKING:
    from .source import Source
    from .walk import Walk

# What `random.Random` extends. The module itself must not be imported for the program: it seeds itself.
_CORE = _random.Random


class RandomKind(Kind):
    """`random.Random`, below what subclasses override."""

    name = "random generator"
    filled = True

    def contents(self, o: Any, source: Source) -> Any:
        return _CORE.getstate(o), dict(o.__dict__)  # type: ignore[attr-defined]

    def fill(self, o: Any, contents: Any, walk: Walk) -> None:
        state, attributes = contents
        _CORE.setstate(o, state)  # type: ignore[attr-defined]
        o.__dict__.clear()
        o.__dict__.update(attributes)

    def reduce(self, o: Any, source: Source) -> Any:
        return rebuild.random_generator, (type(o), *self.contents(o, source))


class BytearrayKind(Kind):
    name = "bytearray"
    filled = True

    def contents(self, o: Any, source: Source) -> Any:
        return bytes(o)

    def fill(self, o: Any, contents: Any, walk: Walk) -> None:
        o[:] = contents

    def reduce(self, o: Any, source: Source) -> Any:
        return bytearray, (bytes(o),)


class MachineArrayKind(Kind):
    """`array.array`."""

    name = "machine array"
    filled = True

    def contents(self, o: Any, source: Source) -> Any:
        return o.typecode, o.tobytes()

    def fill(self, o: Any, contents: Any, walk: Walk) -> None:
        data = contents[1]
        if len(data) == len(o) * o.itemsize:
            if data:
                memoryview(o).cast("B")[:] = data
        else:
            del o[:]
            o.frombytes(data)

    def reduce(self, o: Any, source: Source) -> Any:
        return rebuild.machine_array, (o.typecode, o.tobytes())


class MemoryFileKind(Kind):
    """`io.StringIO` and `io.BytesIO`."""

    name = "memory file"
    filled = True

    def contents(self, o: Any, source: Source) -> Any:
        return None if o.closed else o.__getstate__()

    def fill(self, o: Any, contents: Any, walk: Walk) -> None:
        if contents is None:
            o.close()
        elif contents != o.__getstate__():
            o.__setstate__(contents)

    def reduce(self, o: Any, source: Source) -> Any:
        return rebuild.memory_file, (type(o), None if o.closed else o.__getstate__())


class FileKind(Kind):
    """An open file stays the one that the re-run program opened; its position is state.

    What has been written is handed to the system first: a replay brings the file's contents from there.
    """

    name = "file"
    filled = True

    def contents(self, o: Any, source: Source) -> Any:
        try:
            if o.closed:
                return "closed"
            if not _regular(o):
                return None
            if o.writable():
                if type(o) not in _PLAIN:
                    source.lose(o)  # a compressor, which cannot be set back
                    return Unknown
                o.flush()
            return o.tell()
        except (OSError, ValueError, AttributeError):
            source.lose(o)
            return Unknown

    def fill(self, o: Any, contents: Any, walk: Walk) -> None:
        if type(contents) is int and not o.closed:
            o.seek(contents)
        elif contents == "closed" and not o.closed:
            o.close()

    def reduce(self, o: Any, source: Source) -> Any:
        for name in ("stdout", "stderr", "stdin"):
            if getattr(sys, name) is o:
                return rebuild.standard_stream, (name,)
        try:
            return (rebuild.closed_file, ()) if o.closed else source.lose(o)
        except Exception:
            return source.lose(o)

    def compared(self, o: Any, source: Source) -> Any:
        return self.contents(o, source)


#: Files that write what they are given, where they are told to.
_PLAIN = {io.TextIOWrapper, io.BufferedWriter, io.BufferedRandom, io.FileIO}


def _regular(o: Any) -> bool:
    return stat.S_ISREG(os.fstat(o.fileno()).st_mode)


_generator, _file, _iterator = RandomKind(), FileKind(), IteratorKind()

register(BytearrayKind(), bytearray)
register(MachineArrayKind(), array.array)
register(MemoryFileKind(), io.StringIO, io.BytesIO)


@rule
def _by_base(cls: type) -> Kind | None:
    bases = mro(cls)
    if _CORE in bases and "random.SystemRandom" not in qualified_names(cls):
        return _generator
    if io.IOBase in bases or io.IOBase.__mro__[1] in bases:
        return _file
    if "__next__" in cls.__dict__ and not cls.__flags__ & (1 << 9):
        return _iterator
    if cls.__module__ == "itertools":
        return _iterator
    return None
