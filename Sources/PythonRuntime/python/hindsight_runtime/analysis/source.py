"""One source text and its tree, with the normalized form of every statement.

Two statements are equal where their keys are: formatting, comments, type hints, docstrings and
`pass` don't count.
"""

from __future__ import annotations

import ast
import os
import warnings
from collections import Counter
from typing import Iterator, NamedTuple, Optional

from .comments import Question, ask

_MATCH = getattr(ast, "Match", None)
_TRY_STAR = getattr(ast, "TryStar", None)

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
LOOPS = (ast.For, ast.AsyncFor, ast.While)
IMPORTS = (ast.Import, ast.ImportFrom)
TRIES = tuple(kind for kind in (ast.Try, _TRY_STAR) if kind is not None)
MATCHES = (_MATCH,) if _MATCH is not None else ()
COMPOUND = DEFINITIONS + LOOPS + (ast.If, ast.With, ast.AsyncWith) + TRIES + MATCHES

_BLOCK_FIELDS = ("body", "orelse", "finalbody")
# Fields that change nothing of what a statement does, or that the parser sets by the context.
_SILENT_FIELDS = frozenset(
    "ctx type_comment kind annotation returns type_params type_ignores simple".split()
)
_FIELDS: dict[type, tuple[str, ...]] = {}


class NotParsed(Exception):
    """The text is not a Python program of this interpreter's version."""

    def __init__(self, message: str, line: int = 1, column: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column


class Place(NamedTuple):
    """A position in a block: before the statement at `index` of the list `field` of `owner`.

    Where that statement was taken apart into steps, `step` of them come before the position.
    """

    owner: ast.AST
    field: str
    index: int
    step: int = 0


class Source:
    """A parsed file. Its nodes are compared by identity, so keep it as long as they are in use."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text
        self.tree = parse(text, path)
        # Comments that ask something; only those of an edited text are put into its tree.
        self.questions: list[Question] = []
        unified = text.replace("\r\n", "\n").replace("\r", "\n")
        # Whether the statements' texts still say what the tree does.
        self.has_own_text = True
        self._lines = unified.encode("utf-8").split(b"\n")
        self._keys: dict[int, str] = {}
        self._headers: dict[int, str] = {}
        self._leaves: dict[int, Counter[str]] = {}
        self._places: Optional[dict[int, Place]] = None
        self._parents: dict[int, ast.AST] = {}

    @classmethod
    def edited(cls, path: str, text: str) -> Source:
        """An edited file, with the questions in its comments."""
        source = cls(path, text)
        source.tree, source.questions = ask(text, source.tree)
        source.has_own_text = not source.questions
        return source

    def text_of(self, statement: ast.stmt) -> bytes:
        """The statement as it is written, decorators included."""
        line, column = first_position(statement)
        last = statement.end_lineno or line
        if line == last:
            return self._lines[line - 1][column : statement.end_col_offset]
        inner = self._lines[line : last - 1]
        return b"\n".join(
            [
                self._lines[line - 1][column:],
                *inner,
                self._lines[last - 1][: statement.end_col_offset],
            ]
        )

    def forget(self) -> None:
        """Drops what was derived from nodes that have been changed since."""
        self._keys.clear()
        self._headers.clear()
        self._leaves.clear()

    def key(self, statement: ast.AST) -> str:
        """The statement's normalized form, blocks included."""
        found = self._keys.get(id(statement))
        if found is None:
            found = self._keys[id(statement)] = normalized(statement)
        return found

    def header(self, statement: ast.AST) -> str:
        """The normalized form without the blocks."""
        found = self._headers.get(id(statement))
        if found is None:
            found = self._headers[id(statement)] = normalized_header(statement)
        return found

    def leaves(self, statement: ast.stmt) -> Counter[str]:
        """The keys of all simple statements and the headers of all blocks inside, counted."""
        found = self._leaves.get(id(statement))
        if found is None:
            found = Counter()
            for block in blocks(statement):
                for child in block:
                    if is_inert(child):
                        continue
                    if isinstance(child, COMPOUND):
                        found.update(self.leaves(child))
                        found[self.header(child)] += 1
                    else:
                        found[self.key(child)] += 1
            self._leaves[id(statement)] = found
        return found

    def place(self, statement: ast.AST) -> Place:
        """Where a statement (or handler, or case) of this tree stands."""
        if self._places is None:
            self._index()
        assert self._places is not None
        return self._places[id(statement)]

    def ancestors(self, place: Place) -> Iterator[tuple[ast.AST, str]]:
        """The nodes around a position, innermost first, each with the field that leads inward."""
        if self._places is None:
            self._index()
        assert self._places is not None
        owner, field = place.owner, place.field
        while True:
            yield owner, field
            if isinstance(owner, ast.Module):
                return
            owner, field = self._places[id(owner)][:2]

    def _index(self) -> None:
        places: dict[int, Place] = {}
        pending: list[ast.AST] = [self.tree]
        while pending:
            owner = pending.pop()
            for field, block in named_blocks(owner):
                for index, child in enumerate(block):
                    places[id(child)] = Place(owner, field, index)
                    pending.append(child)
        self._places = places


def parse(text: str, path: str = "<source>") -> ast.Module:
    """The tree of a text; raises `NotParsed` for whatever keeps it from being one."""
    if text.startswith("\ufeff"):
        text = text[1:]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text, path)
    except SyntaxError as error:
        column = max(0, (error.offset or 1) - 1)
        raise NotParsed(error.msg or "invalid syntax", error.lineno or 1, column) from None
    except (RecursionError, MemoryError):
        raise NotParsed("nested too deeply for this interpreter's parser") from None
    except (ValueError, UnicodeError) as error:
        raise NotParsed(str(error)) from None


def first_position(statement: ast.AST) -> tuple[int, int]:
    """Line and column where a statement begins, at its first decorator where it has one."""
    decorators = getattr(statement, "decorator_list", None)
    if decorators:
        first = decorators[0]
        # The `@` stands before the expression, nearly always right before it.
        return first.lineno, max(0, statement.col_offset)
    return statement.lineno, statement.col_offset


def named_blocks(node: ast.AST) -> Iterator[tuple[str, list]]:
    """The lists of statements right below a node, and of its handlers and cases, by field."""
    for field in ("body", "handlers", "cases", "orelse", "finalbody"):
        block = getattr(node, field, None)
        if isinstance(block, list):
            yield field, block


def blocks(statement: ast.AST) -> Iterator[list[ast.stmt]]:
    """The lists of statements inside a compound statement, those of handlers and cases too."""
    for field, block in named_blocks(statement):
        if field in ("handlers", "cases"):
            for part in block:
                yield part.body
        else:
            yield block


def statements(node: ast.AST) -> Iterator[ast.stmt]:
    """All statements below a node, in the order of the source."""
    for block in blocks(node):
        for child in block:
            yield child
            if isinstance(child, COMPOUND):
                yield from statements(child)


def is_inert(statement: ast.AST) -> bool:
    """Whether the statement does nothing: `pass`, a docstring, an annotation without value."""
    if isinstance(statement, ast.Pass):
        return True
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Constant)
    return (
        isinstance(statement, ast.AnnAssign)
        and statement.value is None
        and isinstance(statement.target, ast.Name)
    )


def normalized(node: object) -> str:
    """A text that is equal for nodes which do the same."""
    if isinstance(node, ast.AST):
        kind = type(node)
        if kind is ast.Constant:
            value = node.value
            return f"{type(value).__name__}:{value!r}"
        if kind is ast.Name:
            return node.id
        if kind is ast.AnnAssign and node.value is not None:
            return f"Assign([{normalized(node.target)}]|{normalized(node.value)})"
        parts = []
        for field in _fields(kind):
            value = getattr(node, field, None)
            if isinstance(value, list):
                if field in _BLOCK_FIELDS:
                    value = [child for child in value if not is_inert(child)]
                parts.append("[" + ",".join([normalized(child) for child in value]) + "]")
            else:
                parts.append(normalized(value))
        return kind.__name__ + "(" + "|".join(parts) + ")"
    return repr(node)


def normalized_header(node: ast.AST) -> str:
    """`normalized` without the blocks."""
    parts = [type(node).__name__]
    for field in _fields(type(node)):
        if field in _BLOCK_FIELDS or field in ("handlers", "cases"):
            continue
        value = getattr(node, field, None)
        if isinstance(value, list):
            parts.append("[" + ",".join([normalized(child) for child in value]) + "]")
        else:
            parts.append(normalized(value))
    return "|".join(parts)


def module_name(path: str) -> str:
    """The last part of the name that a file is imported by."""
    stem, _ = os.path.splitext(path)
    folder, last = os.path.split(stem)
    return os.path.basename(folder) if last == "__init__" else last


def excerpt(node: ast.AST, limit: int = 60) -> str:
    """A statement's first line for a sentence, shortened."""
    try:
        text = ast.unparse(node).strip().split("\n")[0]
    except (ValueError, RecursionError):
        text = type(node).__name__
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _fields(kind: type) -> tuple[str, ...]:
    found = _FIELDS.get(kind)
    if found is None:
        found = tuple(field for field in kind._fields if field not in _SILENT_FIELDS)
        _FIELDS[kind] = found
    return found
