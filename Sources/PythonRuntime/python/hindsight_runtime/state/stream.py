"""The stored form: a pickle whose memo starts with the numbered objects, and buffers beside it."""

from __future__ import annotations

import _pickle
import io
from pickle import PickleBuffer
from typing import Any, Sequence

from .classify import kind_of
from .errors import LayoutDiffers, StateError
from .source import INLINE, Source

#: Changes when a stream of another release could be misread.
FORMAT = 2


class CaptureSource(Source):
    def buffer(self, view: memoryview) -> Any:
        return bytes(view) if len(view) < INLINE else PickleBuffer(view)


class Writer(_pickle.Pickler):
    """References to numbered objects cost three bytes; all else goes by value, as its kind says."""

    def __init__(self, index: dict[int, tuple[int, Any]], source: Source) -> None:
        self.file = io.BytesIO()
        self.buffers: list[PickleBuffer] = []
        # Not a method of ours: a cycle with memory views in it crashes some releases of Python when collected.
        super().__init__(self.file, 5, buffer_callback=self.buffers.append)
        self.memo = index
        self._source = source

    def reducer_override(self, o: Any) -> Any:
        return kind_of(type(o)).reduce(o, self._source)


class Reader:
    """Reads a stream with the live objects in the places of the recorded ones."""

    def __init__(self, objects: list[Any], stream: bytes, buffers: Sequence[Any] = ()) -> None:
        # `Unpickler.memo` cannot be set to a dictionary: a prelude brings the objects in one by one.
        prelude = b"".join(
            b"J%bQ\x940" % number.to_bytes(4, "little") for number in range(len(objects))
        )
        file = io.BytesIO(b"\x80\x05" + prelude + b"N." + stream)
        self._unpickler = _Unpickler(file, buffers=[memoryview(b) for b in buffers])
        self._unpickler.objects = objects
        self._unpickler.load()

    def read(self) -> Any:
        try:
            return self._unpickler.load()
        except StateError:
            raise
        except Exception as problem:
            raise LayoutDiffers(
                f"The checkpoint cannot be read into this program: {type(problem).__name__}: {problem}"
            ) from problem


class _Unpickler(_pickle.Unpickler):
    objects: list[Any]

    def persistent_load(self, number: int) -> Any:
        return self.objects[number]


def join(first: bytes, rest: bytes) -> bytes:
    """A stream begins with the numbers of the shared members of plain data; then, where there are any, comes how to
    make the objects that are filled later, then everything else."""
    return len(first).to_bytes(8, "little") + first + rest


def split(stream: Any) -> tuple[bytes, bytes]:
    stream = bytes(stream)
    end = 8 + int.from_bytes(stream[:8], "little")
    return stream[8:end], stream[end:]
