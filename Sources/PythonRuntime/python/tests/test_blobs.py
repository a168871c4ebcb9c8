from __future__ import annotations

import hashlib
import os
import tempfile
import unittest
from typing import Any

from hindsight_runtime.blobs import PIECE, Blobs, Damaged


class BlobsTests(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "pack")
        self.data = os.urandom(5000) + bytes(2 * PIECE)
        with open(self.path, "wb") as file:
            file.write(self.data)

    def blob(self, offset: int, length: int) -> dict[str, Any]:
        digest = hashlib.sha256(self.data[offset : offset + length]).hexdigest()
        return {"file": self.path, "offset": offset, "length": length, "sha256": digest}

    def damage(self, offset: int) -> None:
        with open(self.path, "r+b") as file:
            file.seek(offset)
            file.write(bytes([self.data[offset] ^ 1]))

    def test_bytes_are_those_at_the_place(self) -> None:
        blobs = Blobs()
        for offset, length in ((0, 17), (17, 4096), (4099, 901), (5000, 2 * PIECE), (9, 0)):
            read = blobs.read(self.blob(offset, length))
            self.assertEqual(bytes(read), self.data[offset : offset + length])

    def test_what_a_reader_writes_stays_its_own(self) -> None:
        blobs = Blobs()
        blobs.read(self.blob(0, 64))[0] ^= 1
        self.assertEqual(bytes(blobs.read(self.blob(0, 64))), self.data[:64])
        with open(self.path, "rb") as file:
            self.assertEqual(file.read(), self.data)

    def test_damage_is_found(self) -> None:
        blob = self.blob(100, 200)
        self.damage(150)
        with self.assertRaisesRegex(Damaged, "is damaged"):
            Blobs().read(blob)
        os.truncate(self.path, 250)
        with self.assertRaisesRegex(Damaged, "cut short"):
            Blobs().read(blob)
        os.unlink(self.path)
        with self.assertRaisesRegex(Damaged, "cannot be read"):
            Blobs().read(blob)

    def test_damage_is_found_by_whoever_reads_though_it_was_looked_for_before(self) -> None:
        good, bad, gone = self.blob(0, 50), self.blob(100, 200), {**self.blob(0, 9), "file": "/nowhere"}
        self.damage(150)
        blobs = Blobs()
        for _ in blobs.verify([good, bad, gone]):
            pass
        self.assertEqual(bytes(blobs.read(good)), self.data[:50])
        with self.assertRaises(Damaged):
            blobs.read(bad)

    def test_what_was_written_to_since_is_looked_at_again(self) -> None:
        blob, blobs = self.blob(100, 200), Blobs()
        for _ in blobs.verify([blob]):
            pass
        self.damage(150)
        os.utime(self.path, ns=(1, 1))
        with self.assertRaises(Damaged):
            blobs.read(blob)

    def test_looking_pauses_between_pieces(self) -> None:
        pauses = sum(1 for _ in Blobs().verify([self.blob(5000, 2 * PIECE), self.blob(0, 10)]))
        self.assertEqual(pauses, 3)


if __name__ == "__main__":
    unittest.main()
