from __future__ import annotations

import importlib.util
import mmap
import os
import unittest
from typing import Any

from hindsight_runtime.sharedbuffer import SharedBuffer

from .state_cases import Program

HAS_NUMPY = importlib.util.find_spec("numpy") is not None


class Collector:
    """Stands at the other end of the line and sees what the collector would see."""

    def __init__(self) -> None:
        self.memory = b""
        self._descriptor = -1
        self.buffers = 0
        self.line = self

    def send_descriptor(self, message: dict[str, Any], descriptor: int) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = os.dup(descriptor)
        self.buffers += 1

    def read(self, place: tuple[int, int, int]) -> bytes:
        with mmap.mmap(self._descriptor, 0, prot=mmap.PROT_READ) as memory:
            return memory[place[0] : place[0] + place[1]]

    def close(self) -> None:
        os.close(self._descriptor)


class Filling(unittest.TestCase):
    def setUp(self) -> None:
        self.collector = Collector()
        self.buffer = SharedBuffer(self.collector)  # type: ignore[arg-type]
        self.addCleanup(self.collector.close)
        self.addCleanup(self.buffer.close)

    def fill(self, *parts: Any) -> list[int]:
        """Since when each part is what it is; what came to the other side has been compared."""
        places = self.buffer.fill(parts)
        spans = sorted((offset, offset + length) for offset, length, _ in places if length)
        for (_, end), (start, _) in zip(spans, spans[1:]):
            self.assertLessEqual(end, start, "two parts lie over each other")
        for part, place in zip(parts, places):
            self.assertEqual(bytes(part), self.collector.read(place))
        return [since for _, _, since in places]

    def test_what_does_not_change_is_told(self) -> None:
        same, other = bytearray(os.urandom(300_000)), bytearray(os.urandom(100_000))
        self.assertEqual([1, 1, 1], self.fill(b"a" * 50, same, other))
        self.assertEqual([2, 1, 1], self.fill(b"b" * 90_000, same, other))
        other[50_000] ^= 1
        self.assertEqual([3, 1, 3], self.fill(b"c" * 10, same, other))
        self.assertEqual([4, 1, 3], self.fill(b"d" * 20, same, other))
        # Left out once, it is new again.
        self.assertEqual([5, 3], self.fill(b"e" * 20, other))
        self.assertEqual([6, 6, 3], self.fill(b"f" * 20, same, other))
        self.assertEqual(1, self.collector.buffers)

    def test_the_same_memory_twice(self) -> None:
        data = bytearray(os.urandom(10_000))
        self.fill(data, data)
        data[0] ^= 1
        self.assertEqual([2, 2], self.fill(data, data))

    def test_growing(self) -> None:
        kept = bytearray(os.urandom(100_000))
        self.fill(kept)
        self.assertEqual([2, 2], self.fill(kept, bytearray(10 * 2**20)))
        self.assertEqual(2, self.collector.buffers)
        self.assertEqual([2], self.fill(kept))

    def test_any_sizes_in_any_order(self) -> None:
        import random

        chance = random.Random(4)
        parts = [bytearray(chance.randbytes(chance.choice((0, 1, 4096, 70_000, 900_000)))) for _ in range(60)]
        for _ in range(60):
            chosen = chance.sample(parts, chance.randrange(1, 20))
            for part in chance.sample(chosen, len(chosen) // 3):
                if part:
                    part[chance.randrange(len(part))] ^= 255
            self.fill(chance.randbytes(chance.randrange(1, 200_000)), *chosen)

    def test_what_the_other_side_still_reads_stays_as_it_is(self) -> None:
        large, small = bytearray(os.urandom(3 * 2**20)), bytearray(os.urandom(1000))
        parts = [b"a" * 2000, large, small, small]
        places = self.buffer.fill(parts)
        before = [self.collector.read(place) for place in places]
        small[7] ^= 1
        beside = self.buffer.fill([b"b" * 3000, large, small, small], places)
        self.assertEqual([2, 1, 2, 2], [since for _, _, since in beside])
        self.assertEqual(before, [self.collector.read(place) for place in places])
        self.assertEqual([b"b" * 3000, large, small, small], [self.collector.read(place) for place in beside])
        # Another large part has no room beside the first.
        large[5] ^= 1
        self.assertIsNone(self.buffer.fill([b"c", large, small], beside))
        self.assertEqual([3, 3, 2], self.fill(b"c", large, small))

    def test_what_is_still_read_need_not_be_the_last_filling(self) -> None:
        """The collector drops one that comes while another waits, and goes on reading that."""
        large, small = bytearray(os.urandom(2**20)), bytearray(os.urandom(1000))
        first = self.buffer.fill([b"a" * 2000, large, small])
        before = [self.collector.read(place) for place in first]
        for number in range(40):
            small[number] ^= 1
            self.buffer.fill([bytes([number]) * (1000 + 64 * number), large, small], first)
            self.assertEqual(before, [self.collector.read(place) for place in first])

    @unittest.skipUnless(HAS_NUMPY, "NumPy is not installed")
    def test_one_byte_of_an_array_through_every_way(self) -> None:
        import numpy as np

        data = np.random.default_rng(1).normal(size=100_000)
        raw = memoryview(data).cast("B")

        def through_a_view() -> None:
            data[50_000:50_001].view(np.uint8)[3] ^= 1

        def through_a_memoryview() -> None:
            raw[400_003] ^= 1

        def through_another_array() -> None:
            np.frombuffer(raw, np.uint8)[400_003] ^= 1

        def as_an_output() -> None:
            np.multiply(data[7:9], 2.0, out=data[7:9])

        def by_a_function_in_c() -> None:
            import ctypes

            ctypes.memset(data.ctypes.data + 799_999, int(raw[799_999]) ^ 1, 1)

        count = self.fill(raw)[0]
        for change in (
            through_a_view, through_a_memoryview, through_another_array, as_an_output, by_a_function_in_c,
        ):  # fmt: skip
            with self.subTest(change.__name__):
                count = self.fill(raw)[0]
                before = self.buffer.filling
                change()
                self.assertEqual([before + 1], self.fill(raw))
                self.assertEqual([before + 1], self.fill(raw))

    @unittest.skipUnless(HAS_NUMPY, "NumPy is not installed")
    def test_an_array_that_nobody_changes(self) -> None:
        from hindsight_runtime.state import capture, restore

        program = Program(
            "import numpy as np; data = np.arange(50_000.0); other = np.zeros(50_000); n = 0", "other[7] += 1; n += 1"
        )
        handed = []
        for _ in range(3):
            program.step()
            captured = capture(program.walk, program.roots)
            places = self.buffer.fill([captured.stream, *captured.buffers])
            handed.append([since for _, _, since in places])
        self.assertEqual([[1, 1, 1], [2, 1, 2], [3, 1, 3]], handed)
        stream, *buffers = (self.collector.read(place) for place in places)
        program.step()
        program.module.__dict__["data"][:] = 0
        restore(program.walk, program.roots, stream, buffers)
        self.assertEqual(
            (49_999.0, 3.0, 3), program.observe("(float(data[-1]), float(other[7]), n)")
        )
