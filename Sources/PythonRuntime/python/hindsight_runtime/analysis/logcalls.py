"""Which calls look like log statements.

The answer is by syntax alone, so it may err on the side of yes; at run time the recorder looks at
the real callee before it takes a call for a log statement.
"""

from __future__ import annotations

import ast
from typing import Iterator, Optional

from .comments import SHOW

_PRINTING = frozenset({"print", "pprint", "rprint", "warn", "print_rank_0", "rank_zero_info"})
_LEVELS = frozenset(
    "trace debug info success warning warn error exception critical fatal log".split()
)
# Specific enough to be taken whatever they are called on.
_ANYWHERE = frozenset(
    "log_metric log_metrics log_dict log_scalar log_scalars add_scalar add_scalars".split()
)
# Receivers whose `.log(...)` is a tracker's (`math.log` and `tensor.log` are not).
_TRACKERS = frozenset(
    "wandb run self accelerator fabric trainer experiment exp console swanlab tracker".split()
)
_CONSOLES = frozenset("console rich accelerator fabric debug tf jax builtins pprint".split())
_STREAMS = frozenset("stdout stderr __stdout__ __stderr__ tqdm pbar bar progress trange".split())
_WRITES = frozenset({"write", "writelines"})


def log_call_name(call: ast.Call) -> Optional[str]:
    """The dotted name of a call that looks like a log call, else None."""
    callee = call.func
    if isinstance(callee, ast.Name):
        if callee.id == SHOW:
            return "#?"
        return callee.id if callee.id in _PRINTING else None
    if not isinstance(callee, ast.Attribute):
        return None
    method = callee.attr
    receiver = _last_name(callee.value)
    if receiver is None:
        return None
    if (
        method in _ANYWHERE
        or (method in _LEVELS and _is_logger(receiver))
        or (method == "log" and receiver in _TRACKERS)
        or (method == "warn" and receiver == "warnings")
        or (method in _WRITES and _is_stream(receiver))
        or (method in ("print", "pprint", "pp") and receiver in _CONSOLES)
        or (method == "echo" and receiver in ("click", "typer"))
        or (receiver == "traceback" and method in ("print_exc", "print_stack"))
    ):
        return _dotted(callee)
    return None


def log_calls(statement: ast.stmt) -> Iterator[ast.Call]:
    """The log calls in a statement's own expressions, not in a compound statement's blocks."""
    pending: list[ast.AST] = [statement]
    while pending:
        node = pending.pop()
        for child in ast.iter_child_nodes(node):
            if isinstance(child, _PARTS_WITH_BLOCKS):
                continue
            if isinstance(child, ast.Call) and log_call_name(child) is not None:
                yield child
            pending.append(child)


def first_log_call(statement: ast.stmt) -> Optional[str]:
    """The name of the first log call in the statement's own expressions, as they are written."""
    calls = list(log_calls(statement))
    if not calls:
        return None
    return log_call_name(min(calls, key=lambda call: (call.lineno, call.col_offset)))


def is_log_statement(statement: ast.stmt) -> bool:
    """Whether the statement is there for its log call: an expression statement with one inside."""
    return isinstance(statement, ast.Expr) and next(log_calls(statement), None) is not None


_PARTS_WITH_BLOCKS = tuple(
    kind
    for kind in (ast.stmt, ast.ExceptHandler, getattr(ast, "match_case", None))
    if kind is not None
)


def _last_name(node: ast.expr) -> Optional[str]:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.Call):
        return _last_name(node.func)
    return None


def _is_logger(name: str) -> bool:
    lowered = name.lower().strip("_")
    return lowered in ("log", "logging", "lg") or lowered.endswith(("logger", "logging", "_log"))


def _is_stream(name: str) -> bool:
    lowered = name.lower()
    return lowered in _STREAMS or lowered.endswith(("pbar", "_bar", "tqdm", "progress"))


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return _dotted(node.value) + "." + node.attr
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Call):
        return _dotted(node.func) + "()"
    return "…"
