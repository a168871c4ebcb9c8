"""Which pages of the program's memory were written to, as the page tables know it (Linux 6.7 and later).

Pages are write-protected through a `userfaultfd` in asynchronous mode: the kernel itself lifts the protection at the
first write, whoever writes, and `PAGEMAP_SCAN` tells where it still stands. No signal, no thread, nothing that a
forked child inherits. What does not go through the page tables goes unseen: a device, or the kernel on its behalf,
that was given the pages before they were protected.
"""

from __future__ import annotations

import bisect
import ctypes
import fcntl
import mmap
import os
import stat
import struct
from typing import Iterable, Iterator, Optional

from .control import LOWEST_DESCRIPTOR

_SYSTEM_CALL = {"x86_64": 323, "aarch64": 282}
_USER_MODE_ONLY = 1

_API, _REGISTER, _WRITEPROTECT = 0xC018AA3F, 0xC020AA00, 0xC018AA06
_API_VERSION = 0xAA
_WP_UNPOPULATED, _WP_ASYNC = 1 << 13, 1 << 15
_MODE_WP = 2
_PROTECT, _LIFT = 1, 0

_SCAN = 0xC0606610
_ALLOWED, _WRITTEN, _FILE, _PRESENT = 1, 2, 4, 8

#: Drivers whose devices write to memory by themselves, of which a library may hold pages without an open file.
_DRIVERS = ("/dev/nvidiactl", "/dev/kfd", "/dev/infiniband", "/dev/dxg", "/dev/habanalabs", "/dev/neuron0")
#: Of character devices: memory (null, zero, random, …) and terminals.
_HARMLESS_DEVICES = {1, 4, 5, *range(136, 144)}
_USERFAULTFD, _IO_URING = "anon_inode:[userfaultfd]", "anon_inode:[io_uring]"


class WrittenPages:
    """Addresses are those of whole pages. Raises `OSError` where the kernel cannot or may not."""

    def __init__(self) -> None:
        self._process = os.getpid()
        self._faults = self._pages = -1
        number = _SYSTEM_CALL.get(os.uname().machine)
        if number is None or ctypes.sizeof(ctypes.c_void_p) != 8:
            raise OSError("not on this processor")
        if any(os.path.exists(path) for path in _DRIVERS):
            raise OSError("a device may write to memory")
        library = ctypes.CDLL(None, use_errno=True)
        library.syscall.restype = ctypes.c_long
        flags = os.O_CLOEXEC | os.O_NONBLOCK | _USER_MODE_ONLY
        descriptor = library.syscall(ctypes.c_long(number), ctypes.c_long(flags))
        if descriptor < 0:
            raise OSError(ctypes.get_errno(), "userfaultfd")
        try:
            self._faults = _above(descriptor)
            self._pages = _above(os.open("/proc/self/pagemap", os.O_RDONLY | os.O_CLOEXEC))
            features = _WP_ASYNC | _WP_UNPOPULATED
            fcntl.ioctl(self._faults, _API, struct.pack("QQQ", _API_VERSION, features, 0))
            self._try_out()
        except BaseException:
            self.close()
            raise

    def watch(self, start: int, end: int, mappings: Iterable[tuple[int, int]]) -> None:
        """From now on it is known whether anything is written there. `mappings`: those in which the pages lie.

        They are registered as a whole, though few of their pages may be protected: split mappings could not be
        moved any more.
        """
        self._check_process()
        for first, last in mappings:
            fcntl.ioctl(self._faults, _REGISTER, struct.pack("QQQQ", first, last - first, _MODE_WP, 0))
        # Not by `PM_SCAN_WP_MATCHING`: a page that moved in old kernels keeps its mark and lacks the protection.
        fcntl.ioctl(self._faults, _WRITEPROTECT, struct.pack("QQQ", start, end - start, _PROTECT))

    def leave(self, start: int, end: int) -> None:
        """The program writes there without faults again; all of it counts as written."""
        self._check_process()
        try:
            fcntl.ioctl(self._faults, _WRITEPROTECT, struct.pack("QQQ", start, end - start, _LIFT))
        except OSError:
            pass  # it was unmapped, and the protection with it

    def are_unwritten(self, start: int, end: int) -> bool:
        """Whether the kernel vouches for every page: watched, there, the program's alone, and still protected.

        All four are asked for page by page. A page that is gone tells nothing: some kernels call it clean.
        """
        self._check_process()
        found = (ctypes.c_uint64 * 3)()
        unwanted, wanted = _WRITTEN | _FILE, _ALLOWED | _PRESENT
        arguments = bytearray(
            struct.pack(
                "12Q", 96, 0, start, end, 0, ctypes.addressof(found), 1, 0, unwanted, wanted | unwanted, 0, _PRESENT
            )
        )
        # The first stretch of such pages has to be the whole.
        count = fcntl.ioctl(self._pages, _SCAN, arguments)
        return count == 1 and (found[0], found[1]) == (start, end)

    def close(self) -> None:
        """Lifts all protection, too."""
        if os.getpid() != self._process:
            return
        for descriptor, name in (self._faults, _USERFAULTFD), (self._pages, "/pagemap"):
            try:
                # A program that closes all that it does not know may have put another file in its place.
                if descriptor >= 0 and os.readlink(f"/proc/self/fd/{descriptor}").endswith(name):
                    os.close(descriptor)
            except OSError:
                pass
        self._faults = self._pages = -1

    def may_be_bypassed(self) -> bool:
        """Whether the process holds anything through which its memory may be written to past the page tables."""
        for name in os.listdir("/proc/self/fd"):
            descriptor = int(name)
            try:
                path = os.readlink(f"/proc/self/fd/{name}")
                info = os.fstat(descriptor)
            except OSError:
                continue  # the listing's own
            if stat.S_ISCHR(info.st_mode) and os.major(info.st_rdev) not in _HARMLESS_DEVICES:
                return True
            if path == _IO_URING or (path == _USERFAULTFD and descriptor != self._faults):
                return True
        return any(_is_of_device(path) for _, _, _, path in _mappings())

    def _check_process(self) -> None:
        if self._faults < 0 or os.getpid() != self._process:
            raise OSError("it watches another process")

    def _try_out(self) -> None:
        """What claims to be Linux need not be."""
        size = 2 * mmap.PAGESIZE
        with mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as memory:
            memory[:] = b"x" * size
            view = ctypes.c_char.from_buffer(memory)
            start = ctypes.addressof(view)
            del view
            halves = (start, start + mmap.PAGESIZE), (start + mmap.PAGESIZE, start + size)
            self.watch(start, start + size, [(start, start + size)])
            before = [self.are_unwritten(*half) for half in halves]
            memory[size - 1] = 0
            after = [self.are_unwritten(*half) for half in halves]
            if [before, after] != [[True, True], [True, False]]:
                raise OSError("the kernel does not tell what was written")


class Mappings:
    """The private, anonymous, writable mappings of the process: what is written elsewhere does not show there."""

    def __init__(self) -> None:
        self._found = sorted(
            (start, end)
            for start, end, access, path in _mappings()
            if access == "rw-p" and (not path or path == "[heap]" or path.startswith("[anon:"))
        )

    def around(self, start: int, end: int) -> Optional[list[tuple[int, int]]]:
        """Those in which a stretch lies; None where it lies in others, too."""
        index = bisect.bisect_right(self._found, (start, 2**64)) - 1
        found: list[tuple[int, int]] = []
        reached = start
        while index >= 0 and index < len(self._found):
            mapping = self._found[index]
            if not mapping[0] <= reached < mapping[1]:
                return None
            found.append(mapping)
            reached = mapping[1]
            if reached >= end:
                return found
            index += 1
        return None


def _above(descriptor: int) -> int:
    """Their numbers are data to programs."""
    try:
        return fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, LOWEST_DESCRIPTOR)
    finally:
        os.close(descriptor)


def _mappings() -> Iterator[tuple[int, int, str, str]]:
    """(start, end, access, path) of each; not by `open`, which the program's files go through."""
    descriptor = os.open("/proc/self/maps", os.O_RDONLY | os.O_CLOEXEC)
    try:
        pieces = []
        while piece := os.read(descriptor, 1 << 20):
            pieces.append(piece)
    finally:
        os.close(descriptor)
    for line in b"".join(pieces).decode(errors="replace").splitlines():
        span, access, _, _, inode, *path = line.split(maxsplit=5)
        start, end = span.split("-")
        # One without a file has no number and, but for names in brackets, no path.
        name = path[0] if path else "" if inode == "0" else "?"
        yield int(start, 16), int(end, 16), access, name


def _is_of_device(path: str) -> bool:
    if path.startswith("/dev/"):
        return not path.startswith(("/dev/shm/", "/dev/zero"))
    return path.startswith(("anon_inode:", "/[aio]"))
