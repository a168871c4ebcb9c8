"""Why an added statement cannot be put into the recorded program.

An added statement may do what it likes except rebind or delete what the recorded program uses, or
leave its control flow. Whether it disturbs the training in other ways shows when the replay is
checked.
"""

from __future__ import annotations

import ast
import warnings
from typing import Collection, NamedTuple, Optional

from .recorded import RecordedFile, RecordedProgram
from .scopes import Bindings, Scope, root_name
from .source import DEFINITIONS, IMPORTS, LOOPS, excerpt

_LEAVING_CALLS = frozenset({"exit", "quit", "sys.exit", "os._exit", "os.abort", "os.kill"})
_WAITING_CALLS = frozenset(
    {"input", "breakpoint", "pdb.set_trace", "ipdb.set_trace", "code.interact", "IPython.embed"}
)


class Conflict(NamedTuple):
    """The node that cannot be there, and the sentence that says why."""

    node: ast.AST
    message: str


def find_conflict(
    statement: ast.stmt,
    file: RecordedFile,
    program: RecordedProgram,
    scope: Scope,
    own: Collection[str] = (),
) -> Optional[Conflict]:
    """The first reason against adding `statement` to the recorded scope; None where there is none.

    `own` are names that the statement may bind although the recorded program uses them.
    """
    return (
        _leaving(statement, False)
        or _binding(statement, file, program, scope, own)
        or _invalid(statement)
    )


def _invalid(statement: ast.stmt) -> Optional[Conflict]:
    """What the parser lets through and the compiler does not, as a `break` outside of loops."""
    nested = [node for node in ast.walk(statement) if isinstance(node, DEFINITIONS)]
    if not nested or any(isinstance(node, ast.Nonlocal) for node in ast.walk(statement)):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(ast.Module(body=[statement], type_ignores=[]), "<added>", "exec")
    except (SyntaxError, ValueError, RecursionError) as error:
        return Conflict(statement, f"it is not valid ({error})")
    return None


def rebound_names(statement: ast.stmt, scope: Scope) -> dict[str, ast.AST]:
    """The recorded scope's variables that an added statement binds, with the node that does."""
    if scope.kind == "class":
        return {}
    bound = Bindings([statement]).here
    return {name: node for name, node in bound.items() if name in scope.used}


def rebinding(name: str, node: ast.AST) -> Conflict:
    """The conflict of a statement that binds a name which the recorded program needs."""
    return Conflict(node, f"it binds `{name}`, which the recorded program uses")


def is_repeated_import(statement: ast.stmt, file: RecordedFile, scope: Scope) -> bool:
    """Whether an added import binds what a recorded import of the module binds already."""
    if not isinstance(statement, IMPORTS):
        return False
    added = {ast.dump(alias) for alias in _plain_aliases(statement)}
    known: set[str] = set()
    for recorded in file.tree.body:
        if type(recorded) is type(statement) and _origin(recorded) == _origin(statement):
            known |= {ast.dump(alias) for alias in _plain_aliases(recorded)}
    return added <= known


def _plain_aliases(statement: ast.stmt) -> list[ast.alias]:
    return [ast.alias(name=a.name, asname=a.asname) for a in statement.names]


def _origin(statement: ast.stmt) -> tuple:
    return (getattr(statement, "module", None), getattr(statement, "level", None))


def _leaving(node: ast.AST, in_loop: bool) -> Optional[Conflict]:
    if isinstance(node, (*DEFINITIONS, ast.Lambda)):
        return None
    if isinstance(node, (ast.Return, ast.Raise)):
        return Conflict(node, f"`{excerpt(node)}` would leave the recorded program's own course")
    if isinstance(node, (ast.Break, ast.Continue)) and not in_loop:
        return Conflict(
            node, f"`{excerpt(node)}` would change which iterations the recorded run did"
        )
    if isinstance(node, (ast.Yield, ast.YieldFrom)):
        return Conflict(node, "a `yield` would hand control out of the recorded function")
    if isinstance(node, (ast.Await, ast.AsyncFor, ast.AsyncWith)):
        return Conflict(node, "an `await` would let other tasks run where the recorded run did not")
    if isinstance(node, ast.Call):
        name = _dotted(node.func)
        if name in _LEAVING_CALLS:
            return Conflict(node, f"`{excerpt(node)}` would end the program, which went on")
        if name in _WAITING_CALLS:
            return Conflict(node, f"`{excerpt(node)}` would wait for a person")
    if isinstance(node, LOOPS):
        for field, value in ast.iter_fields(node):
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    found = _leaving(child, in_loop or field == "body")
                    if found is not None:
                        return found
        return None
    for child in ast.iter_child_nodes(node):
        found = _leaving(child, in_loop)
        if found is not None:
            return found
    return None


def _binding(
    statement: ast.stmt,
    file: RecordedFile,
    program: RecordedProgram,
    scope: Scope,
    allowed: Collection[str],
) -> Optional[Conflict]:
    bindings = Bindings([statement])
    if bindings.star is not None:
        return Conflict(bindings.star, "what `import *` binds cannot be known beforehand")
    for name, node in bindings.here.items():
        if name in allowed:
            continue
        if name in scope.used or (scope.kind == "class" and name in program.attributes):
            return rebinding(name, node)
    for name, node in bindings.module.items():
        if name in file.scopes.module.used:
            return Conflict(node, f"it binds the global `{name}`, which the recorded program uses")
    for name, node in bindings.outer.items():
        outer: Optional[Scope] = scope
        while outer is not None:
            if name in outer.used:
                return Conflict(node, f"it binds `{name}`, which the recorded program uses")
            outer = outer.parent
    own = set(bindings.here) | set(bindings.module)
    for attribute in bindings.attributes:
        root = root_name(attribute)
        if attribute.attr in program.attributes and root not in own and _is_known(root, scope):
            return Conflict(
                attribute, f"it sets `{excerpt(attribute)}`, which the recorded program uses"
            )
    for subscript in bindings.subscripts:
        root = root_name(subscript)
        if root is not None and root not in own and _is_known(root, scope):
            return Conflict(subscript, f"it changes `{root}`, which the recorded program uses")
    return None


def _is_known(name: Optional[str], scope: Scope) -> bool:
    """Whether the recorded program knows a name in this scope; unnamed things count as its."""
    if name is None:
        return True
    current: Optional[Scope] = scope
    while current is not None:
        if name in current.used:
            return True
        current = current.parent
    return False


def _dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return _dotted(node.value) + "." + node.attr
    return node.id if isinstance(node, ast.Name) else "…"
