"""Comments of the form `#? expression`: questions that leave no trace in the program.

A question on a line of its own is asked where a statement with its indentation would stand; one behind
code is asked after that statement (before it, where it leaves its block), one behind the header of a
block at the block's start. In the tree it is a call of `SHOW`, at the comment's own position.
"""

from __future__ import annotations

import ast
import functools
import io
import re
import tokenize
import warnings
from dataclasses import dataclass
from typing import Iterator, Optional

SHOW = "__hindsight_show__"

_LEAVING = (ast.Return, ast.Raise, ast.Break, ast.Continue)
_SILENT = (tokenize.NL, tokenize.COMMENT, tokenize.INDENT, tokenize.DEDENT)


@dataclass
class Question:
    """One comment: where it stands, and what it asks or why that cannot be asked."""

    line: int
    #: Bytes of utf-8.
    column: int
    end_column: int
    expression: Optional[ast.expr] = None
    problem: str = ""
    # The place behind the code before it, as line and column in characters; None on a line of its own.
    behind: Optional[tuple[int, int]] = None
    is_after_semicolon: bool = False
    is_after_header: bool = False

    def statement(self) -> ast.Expr:
        """What stands for the question in the tree."""
        assert self.expression is not None
        name = ast.Name(SHOW, ast.Load())
        call = ast.Call(name, [ast.Constant(ast.unparse(self.expression)), self.expression], [])
        statement = ast.Expr(call)
        for node in ast.walk(statement):
            if "lineno" in node._attributes:
                node.lineno = node.end_lineno = self.line  # type: ignore[attr-defined]
                node.col_offset = self.column  # type: ignore[attr-defined]
                node.end_col_offset = self.end_column  # type: ignore[attr-defined]
        return statement


def ask(text: str, tree: ast.Module) -> tuple[ast.Module, list[Question]]:
    """The text's tree with its questions in it, and all questions; `tree` is that of the text alone.

    Python's own parser finds their places: each is replaced by a statement on the same line, so that
    everything else stays where it is.
    """
    if "#?" not in text:
        return tree, []
    text = _unified(text)
    questions = _questions(text)
    asked = [question for question in questions if question.expression is not None]
    while asked:
        written = [question for question in asked if not question.is_after_header]
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found = ast.parse(_with_statements(text, written))
        except SyntaxError as error:
            wrong = _nearest(written, error.lineno or 1)
            wrong.problem = "no statement can stand in its place; indent it like the code around it"
            asked.remove(wrong)
            continue
        _put_in(found, written)
        for question in asked:
            if question.is_after_header:
                _put_at_start_of_block(found, question)
        return found, questions
    return tree, questions


def _unified(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").lstrip("\ufeff")


def _questions(text: str) -> list[Question]:
    found: list[Question] = []
    # The end of the last token of the statement that the line belongs to; None at a statement's start.
    last: Optional[tokenize.TokenInfo] = None
    waiting: list[Question] = []

    def settle() -> None:
        assert last is not None
        for question in waiting:
            question.behind = last.end
            question.is_after_semicolon = last.string == ";"
            question.is_after_header = last.string == ":"
        waiting.clear()

    for token in _tokens(text):
        if token.type == tokenize.COMMENT and token.string.startswith("#?"):
            asked = list(_in_comment(token))
            found.extend(asked)
            if last is not None:
                waiting.extend(asked)
        elif token.type in (tokenize.NEWLINE, tokenize.ENDMARKER):
            if last is not None:
                settle()
            last = None
        elif token.type not in _SILENT:
            last = token
    return found


@functools.lru_cache(maxsize=2)  # asked again for every place that a pointer rests on
def _tokens(text: str) -> list[tokenize.TokenInfo]:
    try:
        return list(tokenize.generate_tokens(io.StringIO(text).readline))
    except (tokenize.TokenError, SyntaxError):
        return []  # what only the parser understands


def _in_comment(token: tokenize.TokenInfo) -> Iterator[Question]:
    """The questions of one comment: `#? a #? b` are two, unless a part is no expression by itself."""
    written = token.string.rstrip()
    places = [match.start() for match in re.finditer("#[?]", written)] + [len(written)]
    parts = [(start, end) for start, end in zip(places, places[1:])]
    apart = [_question(token, start, written[start:end].rstrip()) for start, end in parts]
    if any(question is not None and question.problem for question in apart):
        apart = [_question(token, 0, written)]
    yield from (question for question in apart if question is not None)


def _question(token: tokenize.TokenInfo, start: int, written: str) -> Optional[Question]:
    column = _bytes(token.line[: token.start[1]] + token.string[:start])
    expression = written[2:].strip()
    if not expression:
        return None
    question = Question(token.start[0], column, column + _bytes(written))
    try:
        question.expression = ast.parse(expression, mode="eval").body
    except SyntaxError as error:
        question.problem = f"`{expression}` is no expression ({error.msg})"
    except (ValueError, RecursionError, MemoryError) as error:
        question.problem = f"`{expression}` is no expression ({error or 'nested too deeply'})"
    return question


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def code_end(text: str, line: int) -> Optional[tuple[int, int]]:
    """Where a comment that asks can be put behind the statement on a line: line and column in bytes.

    A comment that asks already stays before it; any other one would have to give way.
    """
    last: Optional[tokenize.TokenInfo] = None
    for token in _tokens(_unified(text)):
        if token.type in (tokenize.NEWLINE, tokenize.ENDMARKER):
            if last is not None and last.end[0] >= line:
                row, column = last.end
                comment = last.line.rstrip("\n")[column:] if row == last.start[0] else ""
                if comment.lstrip().startswith("#?"):
                    column += len(comment.rstrip())
                return row, _bytes(last.line.split("\n")[row - last.start[0]][:column])
            last = None
        elif token.type not in _SILENT:
            last = token
    return None


def _with_statements(text: str, questions: list[Question]) -> str:
    lines = text.split("\n")
    behind: dict[tuple[int, int], list[int]] = {}
    for number, question in enumerate(questions):
        if question.behind is not None:
            behind.setdefault(question.behind, []).append(number)
        else:
            line = lines[question.line - 1]
            if "#?" in line:
                line = line[: line.index("#?")]
            lines[question.line - 1] = f"{line}{SHOW}({number});"
    for (row, column), numbers in behind.items():
        calls = ";".join(f"{SHOW}({number})" for number in numbers)
        separator = "" if questions[numbers[0]].is_after_semicolon else ";"
        lines[row - 1] = lines[row - 1][:column] + separator + calls
    return "\n".join(lines)


def _nearest(questions: list[Question], line: int) -> Question:
    return min(questions, key=lambda q: (abs((q.behind or (q.line, 0))[0] - line), q.line > line))


def _put_in(tree: ast.Module, questions: list[Question]) -> None:
    for owner in ast.walk(tree):
        for field in ("body", "orelse", "finalbody"):
            block = getattr(owner, field, None)
            if isinstance(block, list):
                setattr(owner, field, _answered(block, questions))


def _answered(block: list[ast.stmt], questions: list[Question]) -> list[ast.stmt]:
    result: list[ast.stmt] = []
    for statement in block:
        number = _number(statement)
        if number is None or number >= len(questions):
            result.append(statement)
            continue
        question = questions[number]
        index = len(result)
        while question.behind is not None and index > 0 and isinstance(result[index - 1], _LEAVING):
            index -= 1
        result.insert(index, question.statement())
    return result


def _number(statement: ast.stmt) -> Optional[int]:
    call = statement.value if isinstance(statement, ast.Expr) else None
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or call.func.id != SHOW:
        return None
    if len(call.args) != 1 or not isinstance(call.args[0], ast.Constant):
        return None
    return call.args[0].value


def _put_at_start_of_block(tree: ast.Module, question: Question) -> None:
    best: Optional[tuple[tuple[int, int], list[ast.stmt]]] = None
    for owner in ast.walk(tree):
        for field in ("body", "orelse", "finalbody"):
            block = getattr(owner, field, None)
            if not isinstance(block, list) or not block or isinstance(owner, ast.Module):
                continue
            first = next((s for s in block if not _is_question(s)), block[0])
            decorators = getattr(first, "decorator_list", None)
            position = (decorators[0].lineno if decorators else first.lineno, first.col_offset)
            if position[0] > question.line and (best is None or position < best[0]):
                best = (position, block)
    if best is not None:
        block = best[1]
        index = 0
        while index < len(block) and _is_question(block[index]) and block[index].lineno <= question.line:
            index += 1
        block.insert(index, question.statement())


def _is_question(statement: ast.stmt) -> bool:
    call = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == SHOW
