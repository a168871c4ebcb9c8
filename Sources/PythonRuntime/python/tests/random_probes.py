"""Random log statements for random programs, with what they need around them."""

from __future__ import annotations

import dataclasses
import random

from . import random_words as words
from .random_program import _JUMPS, LIBRARY, Generator, Line

#: The probes' own prefix; no program says this.
PREFIX, DISTURBING = "P", "D"

_NO_PLACE = ("else", "except", "finally", "elif", "def ", "class ", "global ", "nonlocal ", "@", '"""')


@dataclasses.dataclass
class Edited:
    """The program with log statements put in."""

    texts: dict[str, str]
    #: By path, the numbers of the lines that are new.
    added: dict[str, set[int]]
    #: By path, the new ones that change what the program goes on with.
    disturbing: dict[str, set[int]]

    def undisturbed(self) -> "Edited":
        """The same without what disturbs, on the same lines."""
        texts = {}
        for path, text in self.texts.items():
            lines = text.splitlines(True)
            for number in self.disturbing[path]:
                line = lines[number - 1]
                lines[number - 1] = line[: len(line) - len(line.lstrip())] + "pass\n"
            texts[path] = "".join(lines)
        return Edited(texts, self.added, {path: set() for path in texts})


class Probes:
    """Puts log statements in at random places of a program."""

    def __init__(self, generator: Generator, seed: int) -> None:
        self.random = random.Random(seed)
        self.lines = generator.lines
        self.looks = generator.looks
        #: By path, before which line, how far indented, and what.
        self._added: dict[str, list[tuple[int, str, str]]] = {path: [] for path in self.lines}

    def edited(self, is_disturbing: bool = False) -> Edited:
        """With `is_disturbing`, one more statement that changes what the program goes on with."""
        places = self._places()
        for path, index, indent, line in self.random.sample(places, self.random.randint(2, 6)):
            for text in self._statement(path, line):
                self._added[path].append((index, indent, text))
        if is_disturbing:
            # The main loop is executed whatever the rest of the program does.
            inside = [place for place in places if "epoch" in place[3].place.names]
            path, index, indent, line = self.random.choice(inside)
            action = self.random.choice(words.DISTURBING)
            self._added[path].append((index, indent, f'print("{DISTURBING}", {action})'))
        texts: dict[str, str] = {}
        added: dict[str, set[int]] = {}
        disturbing: dict[str, set[int]] = {}
        for path, lines in self.lines.items():
            result: list[str] = []
            added[path], disturbing[path] = set(), set()
            by_index: dict[int, list[str]] = {}
            # What ends a block comes before what stands behind the block.
            for index, indent, text in sorted(self._added[path], key=lambda added: -len(added[1])):
                by_index.setdefault(index, []).append(indent + text)
            for index in range(len(lines) + 1):
                for text in by_index.get(index, ()):
                    result.append(text)
                    added[path].add(len(result))
                    if f'print("{DISTURBING}"' in text:
                        disturbing[path].add(len(result))
                if index < len(lines):
                    result.append(lines[index].text)
            texts[path] = "".join(f"{text}\n" for text in result)
        return Edited(texts, added, disturbing)

    def _places(self) -> list[tuple[str, int, str, Line]]:
        """Path, index of the line before which something goes, indentation, neighbour."""
        found = []
        for path, lines in self.lines.items():
            start = next(n for n, line in enumerate(lines) if line.text.startswith(("held =", "box =")))
            while lines[start].text:
                start += 1
            for n in range(start, len(lines)):
                text = lines[n].text.strip()
                if not text or text.startswith(_NO_PLACE):
                    continue
                indent = lines[n].place.indent
                if lines[n].text[: len(indent)] != indent or lines[n].text.startswith(indent + " "):
                    continue  # a line of the fixed beginning
                if not lines[n - 1].text.lstrip().startswith("@"):
                    found.append((path, n, indent, lines[n]))
                if not text.endswith(":") and not text.startswith(_JUMPS):
                    found.append((path, n + 1, indent, lines[n]))
        return found

    def _statement(self, path: str, line: Line) -> list[str]:
        looks = words.LIBRARY_LOOKS if path == LIBRARY else self.looks
        look = self.random.choice(looks)
        if line.place.names and self.random.random() < 0.25:
            look = self.random.choice(line.place.names)
        kind = self.random.random()
        if kind < 0.5:
            return [f'print("{PREFIX}", {look})']
        if kind < 0.58:
            return [f'print("{PREFIX}", {look}, sep="=", flush=True)']
        if kind < 0.64:
            return [f'print("{PREFIX} first", len(repr(({look},))), end="\\n{PREFIX} second\\n")']
        if kind < 0.70 and path != LIBRARY:
            return [f'logger.info("{PREFIX} %s", ({look},))']
        if kind < 0.76:
            return [
                f"for zz_each in range(2): print(\"{PREFIX}\", zz_each, {look})",
            ]
        if kind < 0.82:
            return [f"zz_seen = repr(({look},))", f'if len(zz_seen) > 4: print("{PREFIX}", zz_seen)']
        if kind < 0.88:
            self._begin(path, ["zz_kept = []"])
            return [f"zz_kept.append(len(repr(({look},))))", f'print("{PREFIX}", len(zz_kept), zz_kept[-3:])']
        if kind < 0.94:
            self._begin(path, ["import math as zz_math", "def zz_size(x):", "    return zz_math.sqrt(len(repr(x)))"])
            return [f'print("{PREFIX}", zz_size(({look},)))']
        return [f'print("{PREFIX}", 1 // (len(repr(({look},))) % 2))']

    def _begin(self, path: str, texts: list[str]) -> None:
        """Supporting statements, once, behind the imports."""
        lines = self.lines[path]
        last = max(n for n, line in enumerate(lines) if line.text.startswith(("import ", "from ")))
        for text in texts:
            if (last + 1, "", text) not in self._added[path]:
                self._added[path].append((last + 1, "", text))
