"""Which statement of the edited source is which of the recorded one.

Blocks are aligned top down: definitions by name in any order, other statements in order by the
alignment with the largest weight. What is left over is then looked for elsewhere in the same
function, so that a block that was wrapped, unwrapped or moved is still recognised.
"""

from __future__ import annotations

import ast
import difflib
import re
from collections import Counter
from typing import Iterator, Optional, Sequence

from .extraction import Extraction, find_extractions
from .logcalls import first_log_call, is_log_statement, log_calls
from .recorded import RecordedFile
from .source import (
    COMPOUND,
    DEFINITIONS,
    FUNCTIONS,
    IMPORTS,
    Source,
    blocks,
    is_inert,
    named_blocks,
    statements,
)

# Beyond this many cells an alignment goes through exact matches first.
_WIDEST_ALIGNMENT = 10_000
_ASSIGNMENTS = (ast.Assign, ast.AugAssign, ast.AnnAssign)
_TOO_COMMON = (ast.Continue, ast.Break, ast.Pass, ast.Global, ast.Nonlocal)


class Pair:
    """A recorded statement and the edited one that it became.

    Kinds: `same`; `block` (a compound statement whose header is the same); `header` (the header
    differs); `changed` (a simple statement that differs); `log` (a log statement that differs);
    `logs` (a compound statement that is there for its logs, replaced as a whole); `step` and
    `final` (parts of a recorded statement that the edited source executes in steps).
    """

    __slots__ = ("recorded", "edited", "kind", "moved")

    def __init__(self, recorded: ast.stmt, edited: ast.stmt, kind: str, moved: bool) -> None:
        self.recorded = recorded
        self.edited = edited
        self.kind = kind
        self.moved = moved


class Matching:
    """The pairs of two parsed texts, by the identity of their nodes."""

    def __init__(
        self,
        recorded: RecordedFile,
        edited: Source,
        roots: Optional[tuple[ast.stmt, ast.stmt]] = None,
    ) -> None:
        """All of two files; with `roots`, a recorded definition and the one that it became in another file."""
        self.recorded = recorded
        self.edited = edited
        self.roots = roots
        # Recorded and edited definitions that belong to another file's matching.
        self.elsewhere: set[int] = set()
        self.extractions: list[Extraction] = []
        self.pairs: dict[int, Pair] = {}
        self.partners: dict[int, Pair] = {}
        self._loose: dict[int, tuple[list[ast.stmt], list[ast.stmt]]] = {}
        self._scope = 0
        self._moving = False
        split_imports(edited.tree)
        if roots is None:
            self._align_bodies(recorded.tree, edited.tree)
        else:
            self._join(*roots)
        self._rejoin()

    def is_wrapper(self, statement: ast.stmt) -> bool:
        """Whether an edited statement without a partner has recorded code inside."""
        return isinstance(statement, COMPOUND) and any(
            id(child) in self.pairs for child in statements(statement)
        )

    def loose_recorded(self) -> Iterator[ast.stmt]:
        """The recorded statements that nothing in the edited source stands for."""
        for left, _ in self._loose.values():
            for statement in left:
                yield from self._unpaired(statement)

    def loose_edited(self) -> Iterator[ast.stmt]:
        """The edited statements that stand for nothing in the recorded source."""
        for _, right in self._loose.values():
            yield from right

    def _unpaired(self, statement: ast.stmt) -> Iterator[ast.stmt]:
        if id(statement) in self.partners or id(statement) in self.elsewhere:
            return
        nested = list(statements(statement))
        if any(id(child) in self.partners for child in nested):
            for block in blocks(statement):
                for child in block:
                    yield from self._unpaired(child)
        else:
            yield statement

    # Alignment of two blocks.

    def _align_bodies(self, recorded: ast.AST, edited: ast.AST) -> None:
        outer = self._scope
        self._scope = id(recorded)
        self._align(recorded.body, edited.body)
        self._scope = outer

    def _align(self, recorded: Sequence[ast.stmt], edited: Sequence[ast.stmt]) -> None:
        left = [statement for statement in recorded if not is_inert(statement)]
        right = [statement for statement in edited if not is_inert(statement)]
        left, right = self._pair_imports(left, right)
        start = 0
        while start < min(len(left), len(right)) and self._is_equal(left[start], right[start]):
            self._add(left[start], right[start], "same")
            start += 1
        end = 0
        while end < min(len(left), len(right)) - start and self._is_equal(
            left[-1 - end], right[-1 - end]
        ):
            self._add(left[-1 - end], right[-1 - end], "same")
            end += 1
        left = left[start : len(left) - end]
        right = right[start : len(right) - end]
        if left and right:
            left, right = self._pair_extractions(left, right)
        # Where definitions stand among the others decides nothing.
        left, right = self._pair_definitions(left, right)
        for one, other in self._alignment(_executed(left), _executed(right)):
            self._join(one, other)
        left = [statement for statement in left if id(statement) not in self.partners]
        right = [statement for statement in right if id(statement) not in self.pairs]
        if left or right:
            loose = self._loose.setdefault(self._scope, ([], []))
            loose[0].extend(left)
            loose[1].extend(right)

    def _pair_imports(
        self, left: list[ast.stmt], right: list[ast.stmt]
    ) -> tuple[list[ast.stmt], list[ast.stmt]]:
        known: dict[tuple, ast.stmt] = {}
        for statement in left:
            if isinstance(statement, IMPORTS):
                for alias in statement.names:
                    known.setdefault(_import_key(statement, alias), statement)
        if not known:
            return left, right
        rest = []
        for statement in right:
            partner = None
            if isinstance(statement, IMPORTS):
                partner = known.get(_import_key(statement, statement.names[0]))
            if partner is None:
                rest.append(statement)
            else:
                self._add(partner, statement, "same")
        # An import that is gone changes nothing of what the run did, so it is not left over.
        return [statement for statement in left if not isinstance(statement, IMPORTS)], rest

    def _pair_extractions(
        self, left: list[ast.stmt], right: list[ast.stmt]
    ) -> tuple[list[ast.stmt], list[ast.stmt]]:
        taken = self.recorded.scopes.of[self._scope].used
        found = list(find_extractions(self.recorded, left, self.edited, right, taken))
        for extraction in found:
            self.extractions.append(extraction)
            for step in extraction.steps:
                self._add(extraction.recorded, step, "step")
            # The statement itself stands where its last part stands.
            self.partners.pop(id(extraction.recorded), None)
            self._add(extraction.recorded, extraction.final, "final")
        if not found:
            return left, right
        # The order around must be kept, so what crosses is left to the alignment's other means.
        return (
            [statement for statement in left if id(statement) not in self.partners],
            [statement for statement in right if id(statement) not in self.pairs],
        )

    def _pair_definitions(
        self, left: list[ast.stmt], right: list[ast.stmt]
    ) -> tuple[list[ast.stmt], list[ast.stmt]]:
        if not (
            any(isinstance(statement, DEFINITIONS) for statement in left)
            and any(isinstance(statement, DEFINITIONS) for statement in right)
        ):
            return left, right
        for renamed in (False, True):
            for other in right:
                if not isinstance(other, DEFINITIONS) or id(other) in self.pairs:
                    continue
                best, likeness = None, 0.6
                for one in left:
                    if id(one) in self.partners or not _same_class(one, other):
                        continue
                    if one.name == other.name:
                        best = one
                        break
                    if renamed and self._ratio(one, other) >= likeness:
                        best, likeness = one, self._ratio(one, other)
                if best is not None:
                    self._join(best, other)
        return (
            [statement for statement in left if id(statement) not in self.partners],
            [statement for statement in right if id(statement) not in self.pairs],
        )

    def _alignment(
        self, left: list[ast.stmt], right: list[ast.stmt]
    ) -> list[tuple[ast.stmt, ast.stmt]]:
        if not left or not right:
            return []
        if len(left) * len(right) > _WIDEST_ALIGNMENT:
            return self._wide_alignment(left, right)
        if len(left) == 1 and len(right) == 1 and self._is_block_pair(left[0], right[0]):
            return [(left[0], right[0])]
        return self._heaviest(left, right)

    def _wide_alignment(
        self, left: list[ast.stmt], right: list[ast.stmt]
    ) -> list[tuple[ast.stmt, ast.stmt]]:
        one = [self.recorded.key(statement) for statement in left]
        other = [self.edited.key(statement) for statement in right]
        found: list[tuple[ast.stmt, ast.stmt]] = []
        i = j = 0
        for block in difflib.SequenceMatcher(
            None, one, other, autojunk=False
        ).get_matching_blocks():
            gap_left, gap_right = left[i : block.a], right[j : block.b]
            if len(gap_left) * len(gap_right) <= _WIDEST_ALIGNMENT:
                found.extend(self._heaviest(gap_left, gap_right))
            for offset in range(block.size):
                found.append((left[block.a + offset], right[block.b + offset]))
            i, j = block.a + block.size, block.b + block.size
        return found

    def _heaviest(
        self, left: list[ast.stmt], right: list[ast.stmt]
    ) -> list[tuple[ast.stmt, ast.stmt]]:
        if not left or not right:
            return []
        weights = [[self._weight(one, other) for other in right] for one in left]
        best = [[0.0] * (len(right) + 1) for _ in range(len(left) + 1)]
        for i in range(len(left) - 1, -1, -1):
            row, below = best[i], best[i + 1]
            for j in range(len(right) - 1, -1, -1):
                value = max(below[j], row[j + 1])
                weight = weights[i][j]
                if weight > 0 and weight + below[j + 1] > value:
                    value = weight + below[j + 1]
                row[j] = value
        found = []
        i = j = 0
        while i < len(left) and j < len(right):
            weight = weights[i][j]
            if weight > 0 and best[i][j] == weight + best[i + 1][j + 1]:
                found.append((left[i], right[j]))
                i += 1
                j += 1
            elif best[i][j] == best[i + 1][j]:
                i += 1
            else:
                j += 1
        return found

    def _weight(self, one: ast.stmt, other: ast.stmt) -> float:
        if not _same_class(one, other):
            return 0
        if self._is_equal(one, other):
            return 3 + sum(self.recorded.leaves(one).values())
        if isinstance(one, COMPOUND):
            common = self._common(one, other)
            if self.recorded.header(one) == self.edited.header(other):
                return 1 + common
            if self._is_around(one, other):
                return 0
            if self._ratio(one, other) >= 0.5:
                return 0.5 + common
            if not _is_log_block(one) and self._similarity(one, other) >= 0.7:
                return 0.5
            if _is_log_block(one) and _is_log_block(other):
                return 0.3 + 0.5 * self._similarity(one, other)
            return 0
        if is_log_statement(one) != is_log_statement(other):
            return 0
        similarity = self._similarity(one, other)
        if is_log_statement(one):
            return (0.5 if first_log_call(one) == first_log_call(other) else 0.2) + 0.4 * similarity
        if _targets(self.recorded, one) == _targets(self.edited, other) != "":
            return 0.6 + 0.3 * similarity
        return 0.8 * similarity if similarity >= 0.5 else 0

    def _is_around(self, one: ast.stmt, other: ast.stmt) -> bool:
        """Whether one of two blocks was put around the other, or taken away from around it."""
        return any(
            type(child) is type(one) and self.edited.header(child) == self.recorded.header(one)
            for child in statements(other)
        ) or any(
            type(child) is type(other) and self.recorded.header(child) == self.edited.header(other)
            for child in statements(one)
        )

    def _is_block_pair(self, one: ast.stmt, other: ast.stmt) -> bool:
        return (
            isinstance(one, COMPOUND)
            and type(one) is type(other)
            and self.recorded.header(one) == self.edited.header(other)
        )

    def _is_equal(self, one: ast.stmt, other: ast.stmt) -> bool:
        if type(one) is not type(other) and not _same_class(one, other):
            return False
        if self.edited.has_own_text and self.recorded.text_of(one) == self.edited.text_of(other):
            return True
        if isinstance(one, COMPOUND):
            # Its parts are compared one by one anyway.
            return False
        return self.recorded.key(one) == self.edited.key(other)

    def _common(self, one: ast.stmt, other: ast.stmt) -> int:
        return sum((self.recorded.leaves(one) & self.edited.leaves(other)).values())

    def _ratio(self, one: ast.stmt, other: ast.stmt) -> float:
        left, right = self.recorded.leaves(one), self.edited.leaves(other)
        smaller = min(sum(left.values()), sum(right.values()))
        return sum((left & right).values()) / smaller if smaller else 0

    def _similarity(self, one: ast.stmt, other: ast.stmt) -> float:
        return similarity(self.recorded.key(one), self.edited.key(other))

    # Pairs.

    def _add(self, recorded: ast.stmt, edited: ast.stmt, kind: str, moved: bool = False) -> None:
        pair = Pair(recorded, edited, kind, moved or self._moving)
        self.pairs[id(edited)] = pair
        self.partners.setdefault(id(recorded), pair)

    def _join(self, one: ast.stmt, other: ast.stmt, moved: bool = False) -> None:
        if self._is_equal(one, other):
            self._add(one, other, "same", moved)
            return
        if not isinstance(one, COMPOUND):
            self._add(one, other, "log" if is_log_statement(one) else "changed", moved)
            return
        is_same = self.recorded.header(one) == self.edited.header(other)
        if not is_same and _is_log_block(one) and _is_log_block(other):
            self._add(one, other, "logs", moved)
            return
        self._add(one, other, "block" if is_same else "header", moved)
        if isinstance(one, DEFINITIONS):
            self._align_bodies(one, other)
            return
        for field, block in named_blocks(one):
            counterpart = getattr(other, field)
            if field in ("handlers", "cases"):
                self._align_parts(block, counterpart)
            else:
                self._align(block, counterpart)

    def _align_parts(self, recorded: list, edited: list) -> None:
        """Handlers or cases: by header in order, then by position where as many are left."""
        rest = list(recorded)
        unmatched = []
        for part in edited:
            header = self.edited.header(part)
            for index, candidate in enumerate(rest):
                if self.recorded.header(candidate) == header:
                    del rest[: index + 1]
                    self._add(candidate, part, "block")
                    self._align(candidate.body, part.body)
                    break
            else:
                unmatched.append(part)
        left = [part for part in recorded if id(part) not in self.partners]
        if len(left) == len(unmatched):
            for one, other in zip(left, unmatched):
                self._add(one, other, "header")
                self._align(one.body, other.body)

    # What moved within a function.

    def _rejoin(self) -> None:
        self._moving = True
        # Aligning the inside of what was found may leave more behind, so take what there is now.
        for scope, (left, right) in list(self._loose.items()):
            if left and right:
                self._scope = scope
                self._rejoin_scope(list(left), list(right))
        self._rejoin_definitions()
        for left, right in self._loose.values():
            left[:] = [statement for statement in left if id(statement) not in self.partners]
            right[:] = [statement for statement in right if id(statement) not in self.pairs]
        self._moving = False

    def _rejoin_definitions(self) -> None:
        """Functions that moved into a class, out of one, or into a block."""
        left = [one for lists in self._loose.values() for one in lists[0]]
        right = [other for lists in self._loose.values() for other in lists[1]]
        for other in right:
            if not isinstance(other, FUNCTIONS) or id(other) in self.pairs:
                continue
            for one in left:
                if (
                    isinstance(one, FUNCTIONS)
                    and one.name == other.name
                    and id(one) not in self.partners
                    and self._ratio(one, other) >= 0.6
                ):
                    self._join(one, other)
                    break

    def _rejoin_scope(self, left: list[ast.stmt], right: list[ast.stmt]) -> None:
        by_key: dict[str, list[ast.stmt]] = {}
        nested_left = [child for one in left for child in _with_nested(one)]
        for one in nested_left:
            if not isinstance(one, _TOO_COMMON) and not is_inert(one):
                by_key.setdefault(self.recorded.key(one), []).append(one)
        taken: set[int] = set()
        for other in right:
            self._rejoin_below(other, by_key, nested_left, taken)

    def _rejoin_below(
        self,
        other: ast.stmt,
        by_key: dict[str, list[ast.stmt]],
        candidates: list[ast.stmt],
        taken: set[int],
    ) -> None:
        if id(other) in self.pairs or is_inert(other) or isinstance(other, _TOO_COMMON):
            return
        for one in by_key.get(self.edited.key(other), ()):
            if id(one) in taken or id(one) in self.partners:
                continue
            # A log statement that moved alone is a new place to observe, not the old one.
            if is_log_statement(other) or _is_log_block(other):
                break
            taken.update(id(child) for child in _with_nested(one))
            self._add(one, other, "same")
            return
        if not isinstance(other, COMPOUND) or isinstance(other, DEFINITIONS):
            return
        if not _is_log_block(other):
            for one in candidates:
                if (
                    id(one) not in taken
                    and id(one) not in self.partners
                    and type(one) is type(other)
                    and self.recorded.header(one) == self.edited.header(other)
                    and self._ratio(one, other) >= 0.5
                ):
                    taken.update(id(child) for child in _with_nested(one))
                    self._join(one, other)
                    return
        for block in blocks(other):
            for child in block:
                self._rejoin_below(child, by_key, candidates, taken)
        if any(id(child) in self.pairs for child in statements(other)):
            self._rejoin_logs(other, by_key, taken)

    def _rejoin_logs(
        self, wrapper: ast.stmt, by_key: dict[str, list[ast.stmt]], taken: set[int]
    ) -> None:
        """The log statements that moved together with the code around them."""
        for block in blocks(wrapper):
            for child in block:
                if id(child) in self.pairs:
                    continue
                if is_log_statement(child) or _is_log_block(child):
                    for one in by_key.get(self.edited.key(child), ()):
                        if id(one) not in taken and id(one) not in self.partners:
                            taken.update(id(inner) for inner in _with_nested(one))
                            self._add(one, child, "same")
                            break


def split_imports(tree: ast.Module) -> None:
    """One name per import statement, so that a name added to a recorded import stands alone."""
    pending: list[ast.AST] = [tree]
    while pending:
        node = pending.pop()
        for _, block in named_blocks(node):
            if any(isinstance(child, IMPORTS) and len(child.names) > 1 for child in block):
                block[:] = [single for child in block for single in _singles(child)]
            pending.extend(child for child in block if isinstance(child, _WITH_BLOCKS))


_WITH_BLOCKS = (
    *COMPOUND,
    ast.ExceptHandler,
    *([ast.match_case] if hasattr(ast, "match_case") else []),
)


def _singles(statement: ast.stmt) -> list[ast.stmt]:
    if not isinstance(statement, IMPORTS) or len(statement.names) == 1:
        return [statement]
    singles: list[ast.stmt] = []
    for alias in statement.names:
        if isinstance(statement, ast.Import):
            single: ast.stmt = ast.Import(names=[alias])
        else:
            single = ast.ImportFrom(module=statement.module, names=[alias], level=statement.level)
        singles.append(ast.copy_location(single, statement))
    return singles


def _import_key(statement: ast.stmt, alias: ast.alias) -> tuple:
    if isinstance(statement, ast.ImportFrom):
        return (statement.module, statement.level, alias.name, alias.asname)
    return (alias.name, alias.asname)


def _executed(block: list[ast.stmt]) -> list[ast.stmt]:
    return [statement for statement in block if not isinstance(statement, DEFINITIONS)]


def _same_class(one: ast.AST, other: ast.AST) -> bool:
    return type(one) is type(other) or (
        isinstance(one, _ASSIGNMENTS) and isinstance(other, _ASSIGNMENTS)
    )


def _with_nested(statement: ast.stmt) -> Iterator[ast.stmt]:
    yield statement
    if isinstance(statement, COMPOUND):
        yield from statements(statement)


def _is_log_block(statement: ast.stmt) -> bool:
    """Whether a compound statement holds log statements and nothing else that does something."""
    if not isinstance(statement, COMPOUND) or isinstance(statement, DEFINITIONS):
        return False
    found = False
    for child in statements(statement):
        if is_log_statement(child):
            found = True
        elif not (isinstance(child, COMPOUND) or is_inert(child)) or isinstance(child, DEFINITIONS):
            return False
    return found or next(log_calls(statement), None) is not None


def _targets(source: Source, statement: ast.stmt) -> str:
    if isinstance(statement, ast.Assign):
        return ",".join(source.key(target) for target in statement.targets)
    if isinstance(statement, (ast.AugAssign, ast.AnnAssign)):
        return source.key(statement.target)
    return ""


_TOKEN = re.compile(r"[\w.]+")


def similarity(one: str, other: str) -> float:
    """How many of the words of two normalized statements are the same, from 0 to 1."""
    left, right = Counter(_TOKEN.findall(one)), Counter(_TOKEN.findall(other))
    total = sum(left.values()) + sum(right.values())
    return 2 * sum((left & right).values()) / total if total else 1
