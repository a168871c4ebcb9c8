"""Where a program's state hangs: the locals of its live functions and the globals of its modules."""

from __future__ import annotations

import ctypes
import inspect
import re
import sys
import types
from typing import Any, Callable, Iterator, Mapping, Sequence, Union

#: What `torch.compile` puts among the globals of the modules whose functions it compiles.
_OF_COMPILERS = re.compile(
    "__compiled_fn_[0-9]|__resume_at_[0-9]|__import_torch|__builtins_dict___[0-9]|__gen_rand_values_[0-9]"
    "|__warnings_warn_wrapper_[0-9]|__.*_[0-9]{12,}_c[0-9]+$"
)

#: Whose name it is: a function's code, a module or a class.
Owner = Union[types.CodeType, types.ModuleType, type]

_FUNCTION = inspect.CO_OPTIMIZED | inspect.CO_NEWLOCALS


class Exclusion:
    """Names that are none of the program's; keeps no frame alive."""

    def __init__(self, asked: Callable[[Owner, str], bool]) -> None:
        self._asked = asked

    def __call__(self, owner: Owner, name: str) -> bool:
        if name.startswith("__"):
            if name.endswith("__") or name.startswith("__hindsight") or _OF_COMPILERS.match(name):
                return True
        # The iterator of a comprehension that is under way.
        return name.startswith(".") or self._asked(owner, name)


class Roots:
    """The frames, outermost first, the project's modules by name, and the names that are none of the program's.

    `excluded(owner, name)` is asked for locals with the frame's code, for globals with the module, for attributes of
    the project's classes with the class. Excluded names are not walked, not captured, and left alone by restoring;
    names with two underscores on both sides, those that start with `__hindsight`, and those that compilers make
    always are.

    `rest_of(generator)` tells where a generator rests whose frame can be filled in, and None for all others;
    `resting` are the frames of those that are.
    """

    def __init__(
        self,
        frames: Sequence[types.FrameType],
        modules: Mapping[str, types.ModuleType],
        excluded: Callable[[Owner, str], bool] = lambda owner, name: False,
        rest_of: Callable[[types.GeneratorType], Any] = lambda generator: None,
        resting: Sequence[types.FrameType] = (),
    ) -> None:
        #: Frames with variables of their own: those of modules and of class bodies live in dictionaries.
        self.frames = [f for f in frames if f.f_code.co_flags & _FUNCTION == _FUNCTION]
        self.frames += resting
        #: Those on the stack.
        self.all_frames = list(frames)
        self.modules = dict(modules)
        self.excluded = Exclusion(excluded)
        self.rest_of = rest_of

    def spaces(self) -> Iterator[tuple[str, Owner, Any]]:
        """Title, owner, and frame or module of every namespace."""
        for frame in self.frames:
            yield title_of(frame.f_code), frame.f_code, frame
        for name, module in self.modules.items():
            yield "" if name == "__main__" else name, module, module

    def names(self, owner: Owner, space: Any) -> dict[str, Any]:
        """The values of a namespace by name."""
        values = read_locals(space) if isinstance(space, types.FrameType) else space.__dict__
        # Sorted: a probe's import or use of a name may change the order in which names come to be.
        return {n: values[n] for n in sorted(values) if not self.excluded(owner, n)}

    def identity(self) -> list[tuple[str, str]]:
        """What tells whether the same functions are under way."""
        return [
            (f.f_code.co_filename.replace("\\", "/").rsplit("/", 1)[-1], f.f_code.co_name)
            for f in self.frames
        ]


def title_of(code: types.CodeType) -> str:
    return getattr(code, "co_qualname", code.co_name).replace(".<locals>", "")


if sys.version_info >= (3, 13):

    def read_locals(frame: types.FrameType) -> Mapping[str, Any]:
        return frame.f_locals

    def write_locals(
        frame: types.FrameType, values: dict[str, Any], keep: Callable[[str], bool]
    ) -> None:
        live = frame.f_locals
        for name, value in values.items():
            live[name] = value
        # A variable cannot be unbound here: None at least lets go of the object.
        for name in list(live):
            if name not in values and not keep(name):
                live[name] = None

else:
    # `f_locals` is a copy, which is written back by this.
    _locals_to_fast = ctypes.pythonapi.PyFrame_LocalsToFast
    _locals_to_fast.argtypes = (ctypes.py_object, ctypes.c_int)
    _locals_to_fast.restype = None

    def _read_all(frame: types.FrameType) -> Mapping[str, Any]:
        live = frame.f_locals
        values = dict(live)
        # The frame keeps this dictionary, which would keep the values alive; unless the program holds it, too
        # (it called `locals()`), empty it. References: the frame's, ours, the argument's.
        if sys.getrefcount(live) <= 3:
            live.clear()
        return values

    read_locals: Callable[[types.FrameType], Mapping[str, Any]] = _read_all

    if sys.version_info >= (3, 12):
        _get_variable = ctypes.pythonapi.PyFrame_GetVar
        _get_variable.argtypes = (ctypes.py_object, ctypes.py_object)
        _get_variable.restype = ctypes.py_object

        def _read_each(frame: types.FrameType) -> Mapping[str, Any]:
            # Unlike `f_locals` this leaves alone what the program got from `locals()`.
            code = frame.f_code
            values = {}
            for name in (*code.co_varnames, *code.co_cellvars, *code.co_freevars):
                try:
                    values[name] = _get_variable(frame, name)
                except NameError:
                    pass
            return values

        read_locals = _read_each

    def write_locals(
        frame: types.FrameType, values: dict[str, Any], keep: Callable[[str], bool]
    ) -> None:
        live = frame.f_locals
        for name in list(live):
            if name not in values and not keep(name):
                if sys.version_info >= (3, 12):
                    live[name] = (
                        None  # cannot be unbound from here on; let go of the object at least
                    )
                else:
                    del live[name]
        live.update(values)
        _locals_to_fast(frame, 1)
        if sys.getrefcount(live) <= 3:
            live.clear()
