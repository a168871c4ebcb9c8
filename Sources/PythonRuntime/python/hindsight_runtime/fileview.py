"""Gives a replayed program the files as they were: at the run's start, and behind every jump.

The program runs in a private copy-on-write view, so files are simply written, emptied and removed in it. Large
contents are put in place only when the program opens the file; until then a hole of the right size, with the
right time of change, stands there. Where nobody knows what was in a file, opening it for reading is told, and
the values behind it are not believed.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import stat
from dataclasses import dataclass
from typing import Any, Callable, Iterator, Optional

from .files import ABSENT, Skips, State, state_of
from .opening import Places, install, writes

#: Contents up to this size are put in place at once, as long as there is room: what libraries in C or other
#: processes read is not seen before they do.
EAGER = 64 * 1024 * 1024
EAGER_ROOM = 1024 * 1024 * 1024
#: Files that are held open because the view hides them.
MOST_HELD = 200

#: Tells a sentence about a file, and whether a replay that executes everything would not meet the difficulty.
Tell = Callable[[str, bool], None]

#: A file's device and its number there.
Number = tuple[int, int]

_plain_open = io.open


@dataclass
class Version:
    """What was at a path at some time; `key` is the place in the run at which that had been noticed."""

    path: str
    state: State
    number: int = -1
    key: Optional[list[int]] = None


@dataclass
class Hole:
    """A file whose contents are not in place."""

    version: Version
    #: What it looks like: another look means that somebody has written it since.
    look: State
    #: Why it cannot be filled; None where it can.
    reason: Optional[str]
    is_jumped: bool
    #: It is written to without having been emptied: what it looks like says nothing.
    is_sticky: bool = False


class FileView:
    def __init__(self, root: str, records: list[dict[str, Any]], is_private: bool, tell: Tell) -> None:
        self._root = root
        self._is_private = is_private
        self._tell = tell
        self._told: set[str] = set()
        self._places = Places(Skips(root))
        self._inputs: dict[str, Version] = {}
        self._before: dict[str, Version] = {}
        #: Per path, in the order of the checkpoints.
        self._states: dict[str, list[Version]] = {}
        self._contents: dict[tuple[str, State], dict[str, Any]] = {}
        #: Files of the present that hold what the run left, as descriptors.
        self._held: dict[tuple[str, State], int] = {}
        #: By the file's device and number: a renamed hole is still one.
        self._holes: dict[Number, Hole] = {}
        self._room = EAGER_ROOM
        #: Inputs that are not what they were, with the sentence to tell when the program wants to read them.
        self._others: dict[str, str] = {}
        for record in records:
            self._take(record)

    def _take(self, record: dict[str, Any]) -> None:
        path, kind, number = record["path"], record["kind"], record["n"]
        state = (record["state"], record["size"], record["mtime"], record["inode"])
        version = Version(path, state, -1 if number is None else number, record["key"])
        if record["content"] is not None:
            self._contents[path, state] = record["content"]
        if kind == "input":
            self._inputs.setdefault(path, version)
        elif kind == "before":
            self._before.setdefault(path, version)
        elif kind == "state":
            self._states.setdefault(path, []).append(version)

    def begin(self) -> None:
        """Lays out what the run found; to be called before the program runs."""
        install(self._opening)
        if self._is_private:
            self._hold()
        # First what was not there: folders go with all that is in them.
        befores = sorted(self._before.values(), key=lambda v: (v.state != ABSENT, v.path))
        for version in befores:
            reason = f"the run changed {self._name(version)}, and what was in it before was not kept"
            self._put(version, reason, is_jumped=False)
        for version in self._inputs.values():
            live = state_of(version.path)
            if version.path in self._before or live[:3] == version.state[:3]:
                continue
            if live == ABSENT:
                reason = f"{self._name(version)}, which the run read, is no longer there"
            else:
                reason = f"{self._name(version)} has changed since the run"
            if self._is_private and self._is_known(version):
                self._put(version, reason, is_jumped=False)
            else:
                self._others[version.path] = reason

    def jump(self, number: int, start: list[int]) -> None:
        """Lays out what the run had at a checkpoint, as far as it changed behind `start`."""
        for versions in self._states.values():
            past = [version for version in versions if version.number <= number]
            if past and (past[-1].key is None or past[-1].key > start):
                reason = f"what was in {self._name(past[-1])} at that point of the run was not kept"
                self._put(past[-1], reason, is_jumped=True)
        for file in _written_files():
            if file in self._holes:
                self._holes[file].is_sticky = True

    # In a forked child

    @property
    def held(self) -> list[int]:
        """Descriptors of files that may not be what stands at their paths now."""
        return list(self._held.values())

    def renumber(self, separate: Callable[[], None]) -> bool:
        """Does what gives files other numbers; False where a hole is not to be found again."""
        holes = list(self._holes.values())
        for number, hole in self._holes.items():
            if _number(hole.version.path) != number:
                return False
        touched = [hole for hole in holes if state_of(hole.version.path)[1:3] != hole.look[1:3]]
        separate()
        self._holes = {}
        for hole in holes:
            look = state_of(hole.version.path)
            # One that was written since must not look as if it had not been.
            hole.look = (look[0], look[1], -1, look[3]) if hole in touched else look
            self._holes[_number(hole.version.path)] = hole
        return True

    # Laying out

    def _hold(self) -> None:
        """Takes hold of large files that are still what the run made of them."""
        for versions in self._states.values():
            version = versions[-1]
            if len(self._held) == MOST_HELD:
                return
            if version.state[0] == "file" and not self._is_known(version):
                if state_of(version.path) == version.state:
                    self._held[version.path, version.state] = os.open(
                        version.path, os.O_RDONLY | os.O_CLOEXEC
                    )

    def _is_known(self, version: Version) -> bool:
        place = (version.path, version.state)
        return place in self._contents or place in self._held

    def _put(self, version: Version, reason: str, is_jumped: bool) -> None:
        path, (kind, size, changed, _) = version.path, version.state
        live = state_of(path)
        if live == version.state:
            return
        if not self._is_private:
            sentence = f"{self._name(version)} is not what it was, and this replay cannot lay it out"
            return self._report(sentence, is_jumped)
        try:
            if kind != "unknown" and live[0] not in (kind, "absent"):
                _remove(path)
            if kind == "folder":
                os.makedirs(path, exist_ok=True)
            elif kind == "file":
                is_left = self._is_known(version) and size > min(EAGER, self._room)
                data = self._read(version) if self._is_known(version) and not is_left else None
                if data is not None:
                    self._room -= size
                    return _write(path, data, size, changed)
                _write(path, b"", size, changed)
                self._dig(version, None if is_left else reason, is_jumped)
            elif kind == "unknown":
                if live == ABSENT:
                    _write(path, b"", 0, None)
                self._dig(version, reason, is_jumped)
        except OSError as error:
            self._report(f"{self._name(version)} cannot be laid out: {error.strerror}", is_jumped)

    def _dig(self, version: Version, reason: Optional[str], is_jumped: bool) -> None:
        hole = Hole(version, state_of(version.path), reason, is_jumped)
        self._holes[_number(version.path)] = hole

    def _read(self, version: Version) -> Optional[bytes]:
        """The contents; None where they turn out to be damaged."""
        held = self._held.get((version.path, version.state))
        try:
            if held is not None:
                return b"".join(_parts(held, version.state[1]))
            blob = self._contents[version.path, version.state]
            with _plain_open(blob["file"], "rb") as file:
                file.seek(blob["offset"])
                data = file.read(blob["length"])
        except OSError:
            return None
        return data if hashlib.sha256(data).hexdigest() == blob["sha256"] else None

    # What the program opens

    def opened(self, path: str, flags: int) -> None:
        """A file is opened by other means than Python's own `open`."""
        if flags & os.O_ACCMODE == os.O_RDONLY:
            self._opening(path, "r")
        else:
            self._opening(path, "w" if flags & os.O_TRUNC else "r+")

    def _opening(self, file: Any, mode: str) -> None:
        path = self._places.of(file)
        if path is None:
            return
        if os.path.islink(path):
            path = os.path.realpath(path)
        if path in self._others:
            if "w" in mode:
                del self._others[path]
            else:
                self._report(self._others[path], False)
        try:
            live = os.stat(path)
        except OSError:
            return
        number = (live.st_dev, live.st_ino)
        hole = self._holes.get(number)
        if hole is None:
            return
        if (live.st_size, live.st_mtime_ns) != hole.look[1:3] and not hole.is_sticky:
            del self._holes[number]  # it was written anew
        elif "w" in mode:
            del self._holes[number]
        elif hole.reason is None:
            self._fill(path, number, hole)
        elif writes(mode):
            hole.is_sticky = True
        if hole.reason is not None and number in self._holes and (not writes(mode) or "+" in mode):
            self._report(hole.reason, hole.is_jumped)

    def _fill(self, path: str, number: Number, hole: Hole) -> None:
        data = self._read(hole.version)
        if data is None:
            hole.reason = f"what was kept of {self._name(hole.version)} is damaged"
            return
        try:
            _write(path, data, len(data), hole.version.state[2])
        except OSError as error:
            hole.is_sticky = True
            hole.reason = f"{self._name(hole.version)} could not be laid out: {error.strerror}"
            return
        del self._holes[number]

    def _report(self, sentence: str, is_jumped: bool) -> None:
        if sentence not in self._told:
            self._told.add(sentence)
            self._tell(sentence, is_jumped)

    def _name(self, version: Version) -> str:
        """A path as the user knows it."""
        prefix = self._root.rstrip("/") + "/"
        path = version.path
        return path[len(prefix) :] if path.startswith(prefix) else path


def _write(path: str, data: bytes, size: int, changed: Optional[int]) -> None:
    """Writes a file in place: a handle that the program holds must stay its own."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]
        os.ftruncate(descriptor, size)
        if changed is not None:
            os.utime(descriptor, ns=(changed, changed))
    finally:
        os.close(descriptor)


def _remove(path: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    else:
        os.unlink(path)


def _parts(descriptor: int, size: int) -> Iterator[bytes]:
    at = 0
    while at < size:
        part = os.pread(descriptor, size - at, at)
        if not part:
            raise OSError("the file is cut short")
        at += len(part)
        yield part


def _number(path: str) -> Number:
    found = os.lstat(path)
    return found.st_dev, found.st_ino


def _written_files() -> Iterator[Number]:
    """Numbers of the files that this process holds open for writing."""
    try:
        descriptors = os.listdir("/proc/self/fd")
    except OSError:
        return
    for name in descriptors:
        try:
            with _plain_open(f"/proc/self/fdinfo/{name}", "rb") as file:
                flags = int(file.read().split(b"flags:")[1].split()[0], 8)
            found = os.fstat(int(name))
        except (OSError, ValueError, IndexError):
            continue
        if flags & os.O_ACCMODE != os.O_RDONLY and stat.S_ISREG(found.st_mode):
            yield found.st_dev, found.st_ino
