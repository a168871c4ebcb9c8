"""Names that only probes bind: no part of the state that was recorded."""

from __future__ import annotations

import inspect
from types import CodeType, ModuleType
from typing import Any, Mapping, Union

_FUNCTION = inspect.CO_OPTIMIZED | inspect.CO_NEWLOCALS


class ProbeNames:
    def __init__(self) -> None:
        #: (file, line, name) of a function, module name, or (module, qualified name) of a class → names.
        self._names: dict[Any, set[str]] = {}

    def add(self, code: CodeType, module: str, names: Mapping[str, set[str]]) -> None:
        """Takes the names of a compiled source by the qualified names of their scopes ("" for the module)."""
        if names.get(""):
            self._names[module] = set(names[""])
        for scope, bound in names.items():
            self._names[module, scope] = set(bound)
        self._add_functions(code, "", names)

    def _add_functions(self, code: CodeType, prefix: str, names: Mapping[str, set[str]]) -> None:
        for inner in code.co_consts:
            if not isinstance(inner, CodeType):
                continue
            # As `co_qualname`, which Python has from 3.11 on.
            scope = prefix + inner.co_name
            if names.get(scope):
                self._names[_key(inner)] = set(names[scope])
            is_function = inner.co_flags & _FUNCTION == _FUNCTION
            self._add_functions(inner, scope + (".<locals>." if is_function else "."), names)

    def contain(self, owner: Union[CodeType, ModuleType, type], name: str) -> bool:
        if not self._names:
            return False
        if isinstance(owner, CodeType):
            names = self._names.get(_key(owner))
        elif isinstance(owner, type):
            names = self._names.get((owner.__module__, owner.__qualname__))
        else:
            names = self._names.get(owner.__name__)
        return names is not None and name in names


def _key(code: CodeType) -> tuple[str, int, str]:
    return code.co_filename, code.co_firstlineno, code.co_name
