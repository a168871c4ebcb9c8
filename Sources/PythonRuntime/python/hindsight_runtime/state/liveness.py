"""Variables that the program will assign again before it reads them.

`progress = tqdm(loader)` inside an epoch loop leaves a progress bar in a variable that the next epoch
overwrites: that it cannot be captured costs nothing.
"""

from __future__ import annotations

import dis
import re
import types
from typing import Any, Iterable

from .classify import mro
from .roots import Roots

_STEP = re.compile(r"(LOAD|STORE|DELETE)_FAST")
_GLOBAL = re.compile(r"(LOAD|STORE|DELETE)_(?:NAME|GLOBAL)")
_NO_NEXT = re.compile(r"RETURN_|RAISE_|RERAISE|JUMP_FORWARD|JUMP_BACKWARD|JUMP_ABSOLUTE")
#: With these a program reads variables that its code does not name.
_REFLECTION = {"locals", "globals", "vars", "eval", "exec", "dir"}


def dead_names(roots: Roots) -> list[set[str]]:
    """For every namespace of the roots, in order, the names whose values will not be read."""
    try:
        return _dead_names(roots)
    except Exception:
        return [
            set() for _ in roots.spaces()
        ]  # bytecode that is not understood: nothing is known to be dead


def _dead_names(roots: Roots) -> list[set[str]]:
    module_frames = {id(f.f_globals): f for f in roots.all_frames if f.f_code.co_name == "<module>"}
    result = []
    for _, owner, space in roots.spaces():
        if isinstance(space, types.FrameType):
            code = space.f_code
            names = set(code.co_varnames) - set(code.co_cellvars)
            known = not _REFLECTION & set(code.co_names)
            result.append(names - live_names(code, space.f_lasti) if known else set())
            continue
        frame = module_frames.get(id(space.__dict__))
        if frame is None or _REFLECTION & set(frame.f_code.co_names):
            result.append(set())
            continue
        elsewhere = _names_in_functions(frame.f_code, roots)
        names = set(frame.f_code.co_names) - elsewhere
        result.append(names - live_names(frame.f_code, frame.f_lasti))
    return result


def _names_in_functions(module: types.CodeType, roots: Roots) -> set[str]:
    """Names that any other code of the project mentions, as a global or as an attribute."""
    pending = [c for c in module.co_consts if type(c) is types.CodeType]
    pending += [f.f_code for f in roots.all_frames if f.f_code is not module]
    for other in roots.modules.values():
        for value in list(vars(other).values()):
            if type(value) is types.FunctionType:
                pending.append(value.__code__)
            elif type in mro(type(value)):
                functions = [x for x in vars(value).values() if type(x) is types.FunctionType]
                pending += [function.__code__ for function in functions]
    names: set[str] = set()
    seen = set()
    while pending:
        code = pending.pop()
        if id(code) not in seen:
            seen.add(id(code))
            names.update(code.co_names)
            pending += [c for c in code.co_consts if type(c) is types.CodeType]
    return names


_known: dict[tuple[int, int], tuple[types.CodeType, set[str]]] = {}


def live_names(code: types.CodeType, offset: int) -> set[str]:
    """Names that may be read after the instruction at the offset before they are assigned."""
    known = _known.get((id(code), offset))
    if known is None or known[0] is not code:
        known = _known[id(code), offset] = (code, _live_names(code, offset))
    return known[1]


def _live_names(code: types.CodeType, offset: int) -> set[str]:
    instructions = list(dis.get_instructions(code))
    position = {instruction.offset: i for i, instruction in enumerate(instructions)}
    pattern = _GLOBAL if code.co_name == "<module>" else _STEP
    following = _successors(code, instructions, position)
    before: list[set[str]] = [set() for _ in instructions]
    changed = True
    while changed:
        changed = False
        for i in range(len(instructions) - 1, -1, -1):
            after = set().union(*(before[j] for j in following[i])) if following[i] else set()
            for step, name in reversed(list(_steps(instructions[i], pattern))):
                if step == "STORE":
                    after.discard(name)
                else:
                    after.add(name)
            if after != before[i]:
                before[i] = after
                changed = True
    # Some releases stop within the instruction's inline cache.
    at = max(i for i, instruction in enumerate(instructions) if instruction.offset <= offset)
    # What the instruction itself assigns is not yet assigned; what it reads may already be read.
    return set().union(before[at], *(before[j] for j in following[at]))


def _steps(instruction: Any, pattern: re.Pattern[str]) -> Iterable[tuple[str, str]]:
    """What an instruction, which may be several in one, does to variables, in order."""
    steps = pattern.findall(instruction.opname)
    names = instruction.argval if type(instruction.argval) is tuple else (instruction.argval,)
    if instruction.opname.endswith("_AND_CLEAR"):
        steps = ["LOAD"]
    return zip(steps, names)


def _successors(
    code: types.CodeType, instructions: list[Any], position: dict[int, int]
) -> list[set[int]]:
    following: list[set[int]] = []
    handlers: list[tuple[int, int, int]] = []
    for entry in getattr(dis, "_parse_exception_table", lambda code: ())(code):
        handlers.append((entry.start, entry.end, entry.target))
    for i, instruction in enumerate(instructions):
        targets = set()
        if instruction.opcode in dis.hasjrel or instruction.opcode in dis.hasjabs:
            targets.add(position[instruction.argval])
            if instruction.opname.startswith("SETUP_"):
                handlers.append((instruction.offset, instruction.argval, instruction.argval))
        if not _NO_NEXT.match(instruction.opname) and i + 1 < len(instructions):
            targets.add(i + 1)
        following.append(targets)
    for start, end, target in handlers:
        for i, instruction in enumerate(instructions):
            if start <= instruction.offset < end:
                following[i].add(position[target])
    return following
