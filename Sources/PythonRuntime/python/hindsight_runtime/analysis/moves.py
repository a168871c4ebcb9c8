"""Definitions and modules that stand in another file than the recorded program had them in.

Every edited file is matched with the recorded one of its path. What is left over on both sides is then looked for
across files: a module under another name, a function or class that moved. What moved is placed in the recorded
file that holds it.
"""

from __future__ import annotations

import ast
from collections import Counter
from typing import Iterable, Iterator, NamedTuple, Optional

from .logcalls import log_calls
from .matching import Matching, similarity, split_imports
from .probes import Change, FileMatch, classify
from .recorded import RecordedFile, RecordedProgram
from .renames import undo_renames
from .source import DEFINITIONS, IMPORTS, Source, blocks, is_inert, module_name, statements
from .uncalled import refuse_uncalled

# How much of two definitions must be alike: of the same name, and of another.
_ALIKE = 0.5
_NEARLY_EQUAL = 0.8
_FEW_STATEMENTS = 3
_ROUNDS = 3


def match_program(program: RecordedProgram, edited: Iterable[Source]) -> list[FileMatch]:
    """Compares edited files with the recorded program; a recorded file that is gone is given without text."""
    return _Files(program, list(edited)).matches()


def match_file(program: RecordedProgram, path: str, edited: Source) -> FileMatch:
    """Compares one edited file; all others are as recorded."""
    assert edited.path == path
    return match_program(program, [edited])[0]


class _Loose(NamedTuple):
    """A definition that has no counterpart in the file of the same path."""

    source: Source
    node: ast.stmt


class _Files:
    def __init__(self, program: RecordedProgram, edited: list[Source]) -> None:
        self.program = program
        self.edited = edited
        # By the path of the edited file.
        self.matchings: dict[str, Matching] = {}
        self.moved: dict[str, list[Matching]] = {}
        self.gone: list[RecordedFile] = []
        for source in edited:
            split_imports(source.tree)
            file = program.files.get(source.path)
            if file is None:
                continue
            if _is_empty(source) and not _is_empty(file):
                self.gone.append(file)
            else:
                self.matchings[source.path] = _matching(file, source)
        self._find_renamed_modules()
        self._find_moved_definitions()

    def matches(self) -> list[FileMatch]:
        """What is added and changed in each file."""
        found: list[FileMatch] = []
        arrived = self._arrived_names()
        for source in self.edited:
            whole = self.matchings.get(source.path)
            parts = self.moved.get(source.path, [])
            if whole is None and not parts:
                match = FileMatch(source.path, source)
            else:
                match = classify(self.program, source, ([whole] if whole else []) + parts, arrived)
            if whole is None and source.path not in self.program.files:
                match.changes += self._unknown(source, parts)
            found.append(match)
        refuse_uncalled(found)
        for match in found:
            match.changes.sort(key=lambda change: (change.line, change.end_line))
        return found

    # Modules

    def _find_renamed_modules(self) -> None:
        new = [s for s in self.edited if s.path not in self.program.files and not _is_empty(s)]
        candidates = []
        for file in self.gone:
            for source in new:
                share = _share_of_module(file, source)
                if share >= _ALIKE:
                    candidates.append((share, file.path, source.path, file, source))
        taken: set[str] = set()
        for _, old, path, file, source in sorted(candidates, key=lambda c: (-c[0], c[1], c[2])):
            if old not in taken and path not in taken:
                taken |= {old, path}
                self.matchings[path] = _matching(file, source)
                self.gone.remove(file)

    # Definitions

    def _find_moved_definitions(self) -> None:
        left, right = list(self._recorded_rest()), list(self._edited_rest())
        candidates = []
        for i, one in enumerate(left):
            for j, other in enumerate(right):
                weight = _likeness(one, other)
                if weight > 0 and self.matchings.get(other.source.path) is not self._of(one.source):
                    candidates.append((weight, i, j))
        candidates.sort(key=lambda candidate: -candidate[0])
        taken_left: set[int] = set()
        taken_right: set[int] = set()
        for weight, i, j in candidates:
            if i in taken_left or j in taken_right:
                continue
            rivals = [c for c in candidates if c[0] == weight and (c[1] == i) != (c[2] == j)]
            rivals = [c for c in rivals if c[1] not in taken_left and c[2] not in taken_right]
            taken_left.add(i)
            taken_right.add(j)
            if not rivals:
                self._move(left[i], right[j])

    def _move(self, one: _Loose, other: _Loose) -> None:
        file = one.source
        assert isinstance(file, RecordedFile)
        moved = _matching(file, other.source, (one.node, other.node))
        self.moved.setdefault(other.source.path, []).append(moved)
        for matching in self.matchings.values():
            matching.elsewhere |= {id(one.node), id(other.node)}

    def _of(self, file: Source) -> Optional[Matching]:
        return next((m for m in self.matchings.values() if m.recorded is file), None)

    def _recorded_rest(self) -> Iterator[_Loose]:
        for file in self.gone:
            for node in _definitions(file.tree):
                yield _Loose(file, node)
        for matching in self.matchings.values():
            for node in matching.loose_recorded():
                if isinstance(node, DEFINITIONS):
                    yield _Loose(matching.recorded, node)

    def _edited_rest(self) -> Iterator[_Loose]:
        for source in self.edited:
            matching = self.matchings.get(source.path)
            if matching is not None:
                nodes: Iterable[ast.stmt] = matching.loose_edited()
            elif source.path not in self.program.files:
                nodes = _definitions(source.tree)
            else:
                continue
            for node in nodes:
                if isinstance(node, DEFINITIONS):
                    yield _Loose(source, node)

    def _arrived_names(self) -> dict[str, set[str]]:
        """By module name, what of the recorded program stands there now: importing it adds nothing."""
        found: dict[str, set[str]] = {}
        for path, parts in self.moved.items():
            for part in parts:
                _, edited = part.roots
                found.setdefault(module_name(path), set()).add(edited.name)
        for path, matching in self.matchings.items():
            if path != matching.recorded.path:
                names = {n for s in matching.recorded.tree.body for n in _names_bound(s)}
                found.setdefault(module_name(path), set()).update(names)
        return found

    def _unknown(self, source: Source, parts: list[Matching]) -> list[Change]:
        """The log statements of a file that the run did not load, but for what moved there."""
        inside = {id(n) for part in parts for n in ast.walk(part.roots[1])}
        return [
            Change(
                statement.lineno,
                statement.end_lineno or statement.lineno,
                "unloaded",
                f"Not replayed: the recorded run did not load {source.path}, and nothing that it executed"
                " is found here.",
            )
            for statement in statements(source.tree)
            if id(statement) not in inside and next(log_calls(statement), None) is not None
        ]


def _matching(
    file: RecordedFile, source: Source, roots: Optional[tuple[ast.stmt, ast.stmt]] = None
) -> Matching:
    matching = Matching(file, source, roots)
    # With some names undone, more statements are found again, and with them more names.
    for _ in range(_ROUNDS):
        if not undo_renames(matching):
            break
        matching = Matching(file, source, roots)
    return matching


def _is_empty(source: Source) -> bool:
    return all(is_inert(statement) for statement in source.tree.body)


def _definitions(tree: ast.AST) -> Iterator[ast.stmt]:
    """Functions and classes outside of others."""
    for block in blocks(tree):
        for child in block:
            if isinstance(child, DEFINITIONS):
                yield child
            else:
                yield from _definitions(child)


def _names_bound(statement: ast.stmt) -> Iterator[str]:
    if isinstance(statement, DEFINITIONS):
        yield statement.name
    elif isinstance(statement, ast.Assign):
        for target in statement.targets:
            for node in ast.walk(target):
                if isinstance(node, ast.Name):
                    yield node.id


def _share_of_module(file: RecordedFile, source: Source) -> float:
    """How much of the smaller module, imports left out, is in the other."""
    one, other = _leaves(file), _leaves(source)
    common = sum((one & other).values())
    if common < _FEW_STATEMENTS:
        return 0
    return common / min(sum(one.values()), sum(other.values()))


def _leaves(source: Source) -> Counter[str]:
    imports = [source.key(child) for child in source.tree.body if isinstance(child, IMPORTS)]
    return source.leaves(source.tree) - Counter(imports)


def _likeness(one: _Loose, other: _Loose) -> float:
    """Above 0 where a definition may be the other one, moved."""
    if type(one.node) is not type(other.node):
        return 0
    left, right = one.source.leaves(one.node), other.source.leaves(other.node)
    common = sum((left & right).values())
    smaller, larger = sorted((sum(left.values()), sum(right.values())))
    share = common / smaller if smaller else 0
    if one.node.name == other.node.name:
        likeness = max(share, similarity(one.source.key(one.node), other.source.key(other.node)))
        return 1 + likeness if likeness >= _ALIKE else 0
    is_long = common >= _FEW_STATEMENTS and share >= _NEARLY_EQUAL
    return share if is_long or 0 < common == larger else 0
