"""Large buffers at checkpoints: a change is never missed, and what nobody changes is not looked at."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import gc
import importlib.util
import mmap
import os
import random
import tempfile
import threading
import time
import unittest
from typing import Any, Callable, Optional
from unittest import mock

from hindsight_runtime import quietmemory, writtenpages
from hindsight_runtime.sharedbuffer import SharedBuffer
from hindsight_runtime.state import memory

from .test_shared_buffer import Collector

SIZE = 3 * 2**20
PAGE = mmap.PAGESIZE
#: Fillings until a buffer is believed: copied, found equal, watched, compared once more.
LONG_ENOUGH = 4
#: `MAP_FIXED`.
_FIXED = 0x10


def is_possible() -> bool:
    try:
        pages = writtenpages.WrittenPages()
        found = not pages.may_be_bypassed()
        pages.close()
    except OSError:
        return False
    return found


IS_POSSIBLE = is_possible()
HAS_NUMPY = importlib.util.find_spec("numpy") is not None
HAS_TORCH = importlib.util.find_spec("torch") is not None


def anonymous(size: int = SIZE) -> mmap.mmap:
    found = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    found[:] = os.urandom(PAGE) * (size // PAGE)
    return found


def map_at(address: Optional[int], size: int) -> int:
    """Memory without an owner, at an address where one is given."""
    library = ctypes.CDLL(None, use_errno=True)
    library.mmap.restype = ctypes.c_void_p
    library.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long)
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | (_FIXED if address else 0)
    found: int = library.mmap(address, size, mmap.PROT_READ | mmap.PROT_WRITE, flags, -1, 0)
    return found


def own_descriptors() -> list[str]:
    found = []
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            path = os.readlink(f"/proc/self/fd/{name}")
            if path.endswith(("[userfaultfd]", "/pagemap")):
                found.append(name)
    return found


class Fillings(unittest.TestCase):
    def setUp(self) -> None:
        self.collector = Collector()
        self.buffer = SharedBuffer(self.collector)  # type: ignore[arg-type]
        self.addCleanup(self.collector.close)
        self.addCleanup(lambda: self.buffer.close())

    def begin_anew(self) -> None:
        self.buffer.close()
        self.buffer = SharedBuffer(self.collector)  # type: ignore[arg-type]

    def fill(self, *parts: Any) -> list[int]:
        """Since when each part is what it is; what came to the other side has been compared."""
        places = self.buffer.fill(parts)
        assert places is not None
        for part, place in zip(parts, places):
            if bytes(memoryview(part).cast("B")) != self.collector.read(place):
                self.fail("the collector has other bytes")
        return [since for _, _, since in places]

    def looked_at(self, *parts: Any) -> int:
        """So many bytes were compared for a filling."""
        compared = []

        def equal(one: Any, other: Any) -> bool:
            compared.append(len(one))
            return plain(one, other)

        plain = memory.equal
        with mock.patch.object(memory, "equal", equal):
            self.fill(*parts)
        return sum(compared)

    def settle(self, *parts: Any) -> list[int]:
        for _ in range(LONG_ENOUGH):
            found = self.fill(*parts)
        return found

    def is_watched(self) -> list[bool]:
        return [buffer.is_watched for buffer in self.buffer._quiet._buffers.values()]


@unittest.skipUnless(IS_POSSIBLE, "the kernel does not tell which pages were written")
class Watching(Fillings):
    def check(self, data: Any, change: Callable[[], None]) -> None:
        """The change is seen once, and at once, by one that is believed; then peace returns."""
        since = self.settle(data)
        self.assertEqual(since, self.fill(data))
        self.assertLess(self.looked_at(data), 2 * PAGE)
        change()
        changed = self.fill(data)
        self.assertEqual([self.buffer.filling], changed)
        for _ in range(3 * LONG_ENOUGH):
            self.assertEqual(changed, self.fill(data))
        self.assertLess(self.looked_at(data), 2 * PAGE)

    def test_what_nobody_changes_is_not_looked_at(self) -> None:
        data, small = bytearray(os.urandom(SIZE)), bytearray(os.urandom(9000))
        self.assertEqual([1, 1], self.settle(data, small))
        self.assertLess(self.looked_at(data, small), 2 * PAGE + 9000)
        self.assertEqual([1, 1], self.fill(data, small))

    def test_one_byte_anywhere(self) -> None:
        data = bytearray(os.urandom(SIZE))
        start = memory.address_of(memoryview(data))
        first = -start % PAGE
        last = (start + SIZE) // PAGE * PAGE - start
        for place in (0, first - 1, first, first + PAGE - 1, SIZE // 2, last - 1, last, SIZE - 1):
            if 0 <= place < SIZE:
                with self.subTest(place=place):
                    self.begin_anew()

                    def change() -> None:
                        data[place] ^= 1

                    self.check(data, change)

    def test_every_way_of_writing(self) -> None:
        data = bytearray(os.urandom(SIZE))
        view = memoryview(data)
        middle = view[SIZE // 2 - 50_000 : SIZE // 2 + 50_000]
        file = tempfile.TemporaryFile()
        self.addCleanup(file.close)
        file.write(os.urandom(100_000))
        file.flush()

        def through_a_view() -> None:
            middle[7] ^= 1

        def by_a_slice() -> None:
            middle[10:20] = bytes(byte ^ 1 for byte in middle[10:20])

        def by_a_function_in_c() -> None:
            ctypes.memset(memory.address_of(middle), middle[0] ^ 1, 1)

        def by_readinto() -> None:
            file.seek(0)
            file.write(os.urandom(100_000))
            file.seek(0)
            file.readinto(middle)

        def by_the_kernel() -> None:
            os.pwrite(file.fileno(), os.urandom(100_000), 0)
            os.preadv(file.fileno(), [middle], 0)

        def by_a_pipe() -> None:
            reading, writing = os.pipe()
            os.write(writing, bytes([middle[0] ^ 1]))
            os.readv(reading, [middle[:1]])
            os.close(reading)
            os.close(writing)

        def from_a_mapped_file() -> None:
            os.pwrite(file.fileno(), os.urandom(100_000), 0)
            with mmap.mmap(file.fileno(), 100_000, prot=mmap.PROT_READ) as mapped:
                middle[:] = mapped[:]

        def from_another_thread() -> None:
            thread = threading.Thread(target=through_a_view)
            thread.start()
            thread.join()

        def through_proc_mem() -> None:
            with open("/proc/self/mem", "r+b", buffering=0) as opened:
                opened.seek(memory.address_of(middle))
                opened.write(bytes([middle[0] ^ 1]))

        for change in (
            through_a_view, by_a_slice, by_a_function_in_c, by_readinto, by_the_kernel, by_a_pipe,
            from_a_mapped_file, from_another_thread, through_proc_mem,
        ):  # fmt: skip
            with self.subTest(change.__name__):
                self.begin_anew()
                self.check(data, change)

    @unittest.skipUnless(HAS_NUMPY, "NumPy is not installed")
    def test_arrays(self) -> None:
        import numpy as np

        data = np.random.default_rng(1).normal(size=SIZE // 8)

        def as_an_output() -> None:
            np.multiply(data[70_000:70_009], 2.0, out=data[70_000:70_009])

        def all_of_it() -> None:
            data.sort()

        def through_another_type() -> None:
            data[50_000:50_001].view(np.uint8)[3] ^= 1

        for change in as_an_output, all_of_it, through_another_type:
            with self.subTest(change.__name__):
                self.begin_anew()
                self.check(memoryview(data).cast("B"), change)

    @unittest.skipUnless(HAS_TORCH and HAS_NUMPY, "PyTorch is not installed")
    def test_tensors(self) -> None:
        import torch

        data = torch.rand(SIZE // 4)
        other = torch.rand(SIZE // 4)

        def in_place() -> None:
            data[500_000:].mul_(0.5)

        def without_versions() -> None:
            data.data[400_000] += 1

        def as_an_output() -> None:
            torch.add(data, other, out=data)

        def from_numpy() -> None:
            data.numpy()[123_456] += 1

        for change in in_place, without_versions, as_an_output, from_numpy:
            with self.subTest(change.__name__):
                self.begin_anew()
                self.check(memoryview(data.numpy()).cast("B"), change)

    def test_huge_pages(self) -> None:
        with anonymous(16 * 2**20) as data:
            data.madvise(mmap.MADV_HUGEPAGE)
            data[:] = os.urandom(2**20) * 16

            def change() -> None:
                data[9 * 2**20 + 77] ^= 1

            self.check(data, change)

    def test_pages_that_are_dropped(self) -> None:
        with anonymous() as data:

            def change() -> None:
                data.madvise(mmap.MADV_DONTNEED, SIZE // 2 // PAGE * PAGE, 4 * PAGE)

            self.check(data, change)
        with anonymous(16 * 2**20) as data:

            def change_all() -> None:
                data.madvise(mmap.MADV_DONTNEED)

            self.check(data, change_all)

    def test_memory_that_was_mapped_anew(self) -> None:
        start = map_at(None, SIZE)
        data = memory.at(start, SIZE, True)
        data[:] = os.urandom(SIZE)

        def change() -> None:
            self.assertEqual(start, map_at(start, SIZE))

        self.check(data, change)

        def change_a_part() -> None:
            place = start + 40 * PAGE
            self.assertEqual(place, map_at(place, PAGE))

        data[:] = os.urandom(SIZE)
        self.begin_anew()
        self.check(data, change_a_part)

    def test_memory_that_was_moved(self) -> None:
        """Two watched buffers change places: both are protected still, and neither was written to."""
        library = ctypes.CDLL(None, use_errno=True)
        library.mremap.restype = ctypes.c_void_p
        library.mremap.argtypes = (ctypes.c_void_p, *[ctypes.c_size_t] * 2, ctypes.c_int, ctypes.c_void_p)
        # Pages between them, so that they are no single mapping.
        with anonymous(4 * SIZE) as whole:
            view = memoryview(whole)
            one, other = view[PAGE : PAGE + SIZE], view[2 * SIZE : 3 * SIZE]
            one[:], other[:] = os.urandom(SIZE), os.urandom(SIZE)
            before = bytes(one)
            self.settle(one, other)
            self.assertLess(self.looked_at(one, other), 2 * PAGE)
            addresses = memory.address_of(one), memory.address_of(other)
            third = map_at(None, SIZE)
            may_move_to_fixed = 3
            for source, target in ((addresses[0], third), (addresses[1], addresses[0]), (third, addresses[1])):
                self.assertEqual(target, library.mremap(source, SIZE, SIZE, may_move_to_fixed, target))
            self.assertEqual(before, bytes(other))
            self.assertEqual([self.buffer.filling + 1] * 2, self.fill(one, other))
            for part in (one, other, view):
                part.release()

    def test_memory_that_was_freed_and_taken_again(self) -> None:
        """The same address and size, other data: what the allocator gives is not ours to know."""
        for _ in range(20):
            data: Optional[bytearray] = bytearray(os.urandom(SIZE))
            self.settle(data)
            data = None
            gc.collect()
            data = bytearray(os.urandom(SIZE))
            self.fill(data)
            del data

    def test_a_mapping_may_still_be_resized(self) -> None:
        data = anonymous()
        self.settle(data)
        gc.collect()
        try:
            data.resize(2 * SIZE)
        except (SystemError, BufferError, ValueError) as error:
            self.fail(str(error))
        data[:] = os.urandom(2 * SIZE)
        self.check(data, lambda: data.write_byte(data[0] ^ 1))

    def test_memory_over_other_memory(self) -> None:
        """Protecting pages for one must not hide from the other that they were written to."""
        data = memoryview(bytearray(os.urandom(2 * SIZE)))
        one, other = data[: SIZE + 500_000], data[SIZE - 500_000 :]
        chance = random.Random(5)
        for parts in (one, other), (other, one), (data, one, other), (one, one):
            for _ in range(30):
                self.fill(*parts)
                if chance.random() < 0.3:
                    data[SIZE + chance.randrange(-500_000, 500_000)] ^= 1

    def test_one_watched_anew_over_another(self) -> None:
        data = bytearray(os.urandom(2 * SIZE))
        address = memory.address_of(memoryview(data))
        one, other = (address, SIZE), (address + SIZE // 2, SIZE)
        self.fill(b"")
        quiet = quietmemory.QuietMemory()
        self.addCleanup(quiet.close)
        asked: list[tuple[int, int]] = []

        def visit(key: quietmemory.Key) -> None:
            def compare(start: int, end: int) -> bool:
                asked.append((start, end))
                return True

            quiet.is_unchanged(key, compare)

        for _ in range(LONG_ENOUGH):
            visit(one)
            quiet.finish()
        self.assertTrue(quiet._buffers[one].is_settled)
        quiet._buffers[other] = quietmemory._Buffer()
        quiet._buffers[other].calm = 1
        data[SIZE - 7] ^= 1
        visit(other)
        asked.clear()
        visit(one)
        self.assertIn((0, SIZE), asked)

    def test_after_a_fork(self) -> None:
        data = bytearray(os.urandom(SIZE))
        since = self.settle(data)
        child = os.fork()
        if not child:
            # Reads and writes as ever; the child's fillings know nothing of the parent's pages.
            code = 1
            try:
                before = bytes(data)
                data[SIZE // 2] ^= 1
                changed = sum(one != other for one, other in zip(before, data)) == 1
                seen = self.buffer.fill([data])
                data[SIZE // 2] ^= 1
                again = self.buffer.fill([data])
                assert changed and seen and again and bytes(data) == before
                code = int(seen[0][2] >= again[0][2])
            finally:
                os._exit(code)
        self.assertEqual(0, os.waitpid(child, 0)[1])
        # The child has written to the memory that both fill.
        self.begin_anew()

        def change() -> None:
            child = os.fork()
            if not child:
                data[SIZE // 2] ^= 3
                os._exit(0)
            os.waitpid(child, 0)
            self.assertLess(self.looked_at(data), 2 * PAGE)
            data[SIZE // 2] ^= 1

        self.assertEqual([1], since)
        self.check(data, change)

    def test_while_another_thread_writes(self) -> None:
        """Whatever a filling catches, the last one has what is there."""
        data = bytearray(os.urandom(SIZE))
        chance = random.Random(6)
        for _ in range(15):
            self.settle(data)
            stop = threading.Event()

            def write() -> None:
                while not stop.is_set():
                    data[chance.randrange(SIZE)] ^= 1
                    time.sleep(0.0005)

            thread = threading.Thread(target=write)
            thread.start()
            for _ in range(5):
                self.buffer.fill([data])
            stop.set()
            thread.join()
            self.fill(data)

    def test_as_plain_comparison_would_have_it(self) -> None:
        """Any writes over many fillings: told as changed exactly where the bytes are others."""
        chance = random.Random(3)
        parts = [bytearray(chance.randbytes(chance.randrange(2**20, 2**21))) for _ in range(5)]
        parts.append(bytearray(chance.randbytes(5000)))
        before: list[bytes] = []
        since: list[int] = []
        trusted = 0
        for number in range(150):
            for part in parts:
                if number % 10 < 7 or chance.random() < 0.5:
                    continue
                for _ in range(chance.choice((1, 1, 3, 200))):
                    place = chance.randrange(len(part))
                    kind = chance.randrange(4)
                    if kind == 0:
                        part[place] = part[place]  # written, and not changed
                    elif kind == 1:
                        part[place] ^= 255
                    elif kind == 2:
                        length = min(chance.randrange(1, 20_000), len(part) - place)
                        part[place : place + length] = chance.randbytes(length)
                    else:
                        ctypes.memset(memory.address_of(memoryview(part)) + place, chance.randrange(256), 1)
            now = self.fill(*parts)
            for index, part in enumerate(parts):
                if before:
                    self.assertEqual(bytes(part) == before[index], now[index] == since[index], (number, index))
            before, since = [bytes(part) for part in parts], now
            trusted += sum(buffer.is_settled for buffer in self.buffer._quiet._buffers.values())
        self.assertGreater(trusted, 50)

    def test_what_changes_all_the_time_is_not_watched(self) -> None:
        data = bytearray(os.urandom(SIZE))
        for number in range(10):
            data[number * 1000] ^= 1
            self.fill(data)
            self.assertFalse(any(self.is_watched()))
        self.assertEqual([], own_descriptors())

    def test_what_changes_now_and_then_is_watched_more_and_more_rarely(self) -> None:
        data = bytearray(os.urandom(SIZE))
        watched = 0
        for number in range(400):
            if not number % 10:
                data[500_000] ^= 1
            self.fill(data)
            watched += any(self.is_watched())
        self.assertLess(watched, 40)

    def test_what_is_left_out_is_left_alone(self) -> None:
        data, other = bytearray(os.urandom(SIZE)), bytearray(os.urandom(SIZE))
        self.settle(data, other)
        self.fill(other)
        self.assertEqual([True], self.is_watched())
        data[SIZE // 2] ^= 1
        self.fill(data, other)

    def test_a_writer_whom_the_kernel_does_not_see(self) -> None:
        """A device that got hold of the pages before; what it had begun is seen by comparing once more."""
        data = bytearray(os.urandom(SIZE))
        for _ in range(LONG_ENOUGH - 1):
            self.fill(data)
        self.assertEqual([True], self.is_watched())
        data[SIZE // 2] ^= 1
        with mock.patch.object(writtenpages.WrittenPages, "are_unwritten", lambda *_: True):
            self.assertEqual([LONG_ENOUGH], self.fill(data))
        self.settle(data)
        self.assertEqual([], own_descriptors())
        self.assertEqual(SIZE, self.looked_at(data))

    def test_shared_memory_is_not_watched(self) -> None:
        with mmap.mmap(-1, SIZE) as data, tempfile.TemporaryFile() as file:
            file.truncate(SIZE)
            with mmap.mmap(file.fileno(), SIZE, flags=mmap.MAP_PRIVATE) as private:
                for _ in range(2 * LONG_ENOUGH):
                    self.fill(data, private)
                    self.assertFalse(any(self.is_watched()))
                os.pwrite(file.fileno(), b"x", SIZE // 2)
                self.assertEqual([1, self.buffer.filling + 1], self.fill(data, private))

    def test_where_a_device_is_open_nothing_is_watched(self) -> None:
        data = bytearray(os.urandom(SIZE))
        with mock.patch.object(writtenpages, "_HARMLESS_DEVICES", set()), open("/dev/null"):
            self.settle(data)
            self.assertEqual(SIZE, self.looked_at(data))
        self.assertEqual([], own_descriptors())
        with mock.patch.object(writtenpages, "_DRIVERS", ("/dev/null",)), self.assertRaises(OSError):
            writtenpages.WrittenPages()

    def test_its_descriptors(self) -> None:
        lowest = os.dup(0)
        os.close(lowest)
        data = bytearray(os.urandom(SIZE))
        self.fill(data)
        self.fill(data)
        self.assertEqual([], own_descriptors())
        self.settle(data)
        found = [int(name) for name in own_descriptors()]
        self.assertEqual(2, len(found))
        for descriptor in found:
            self.assertGreaterEqual(descriptor, 200)
            self.assertTrue(fcntl.fcntl(descriptor, fcntl.F_GETFD) & fcntl.FD_CLOEXEC)
        following = os.dup(0)
        os.close(following)
        self.assertEqual(lowest, following)
        self.buffer.close()
        self.assertEqual([], own_descriptors())
        data[5] ^= 1
        self.assertEqual([self.buffer.filling + 1], self.fill(data))

    def test_a_program_that_closes_what_it_does_not_know(self) -> None:
        data = bytearray(os.urandom(SIZE))
        self.settle(data)
        for name in own_descriptors():
            os.close(int(name))
        descriptors = [os.open(os.devnull, os.O_RDONLY) for _ in range(3)]
        with open(os.devnull) as file:
            for number in range(200, 204):
                os.dup2(file.fileno(), number)
        try:
            data[SIZE // 2] ^= 1
            self.assertEqual([self.buffer.filling + 1], self.fill(data))
            self.settle(data)
            self.buffer.close()
            for number in range(200, 204):
                os.fstat(number)
        finally:
            for descriptor in [*descriptors, *range(200, 204)]:
                os.close(descriptor)


class WithoutTheKernel(Fillings):
    def test_it_is_compared(self) -> None:
        for error in (PermissionError(1, "not permitted"), OSError(38, "not implemented")):
            self.begin_anew()
            data = bytearray(os.urandom(SIZE))
            with mock.patch.object(quietmemory, "WrittenPages", side_effect=error):
                self.assertEqual([1], self.settle(data))
                self.assertEqual(SIZE, self.looked_at(data))
                data[SIZE // 2] ^= 1
                self.assertEqual([self.buffer.filling + 1], self.fill(data))
