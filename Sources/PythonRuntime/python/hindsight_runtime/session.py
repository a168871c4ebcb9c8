"""What recording and replaying a program have in common: its sources, its frames, its loops."""

from __future__ import annotations

import ast
import importlib.util
import io
import json
import os
import sys
from types import CodeType, FrameType, GeneratorType, ModuleType
from typing import Any, Callable, Iterable, Optional

from . import baseline, rests, transform  # noqa: F401: the first looks around before the program runs
from .anchors import Anchors
from .entropy import EntropyLog
from .loops import Loop, LoopStack, draws_from, driven_by_generator, is_carried, may_run_code
from .shortloops import ShortLoops
from .programs import Hooks, Program, provide, provide_at_exit
from .yields import resting_places

#: Under this name the recorder tells the random generators' states at the program's end.
END_OF_RUN = "end"

#: In a checkpoint, the namespace of live loops' iterators; no module can be called so.
ITERATORS = "live loops"

#: What `liveprobes` runs a probe's statements in.
PROBE_FUNCTION = "__hindsight_probe__"

#: Changes whenever checkpoints of an older runtime cannot be filled in by this one.
STATE_FORMAT = 6


def layout(anchors: Anchors) -> str:
    """What a checkpoint and a replay must agree about: the objects' arrangement and how they are written, and before
    which iteration the objects were numbered."""
    return f"{STATE_FORMAT}:{anchors.walk.layout}:{anchors.index}"


def is_of_this_format(layout: str) -> bool:
    return layout.partition(":")[0] == str(STATE_FORMAT)


def index_of_anchors(layout: str) -> int:
    return int(layout.rpartition(":")[2]) if is_of_this_format(layout) else 0


def with_header(header: dict[str, Any], stream: bytes) -> bytes:
    """A checkpoint's stream: what is known besides the state, in front of it.

    `entered` is how often loops had been entered, `else` whether an exit is the head of an `else` block,
    `generators` what is known of the loops of those at rest (see `rests`).
    """
    text = json.dumps(header, separators=(",", ":")).encode()
    return len(text).to_bytes(4, "little") + text + stream


def without_header(stream: bytes) -> tuple[dict[str, Any], bytes]:
    size = int.from_bytes(stream[:4], "little") + 4
    return json.loads(stream[4:size]), stream[size:]


class Session:
    """One program under observation. Subclasses say what happens at boundaries and log statements."""

    entropy: EntropyLog
    short: ShortLoops

    #: Methods that run while an item of a loop is fetched, or its iterator made.
    FETCHING: tuple[str, ...] = ("for_loop", "_iterate")

    def __init__(self, program: Program) -> None:
        self.program = program
        #: Absolute path of every rewritten source → its path relative to the root.
        self.files: dict[str, str] = {}
        #: Names of the project's loaded modules.
        self.module_names: list[str] = []
        self.targets: dict[str, str] = {}
        #: Loops from within which a generator hands out items.
        self.yielding: set[str] = set()
        #: Absolute path of every rewritten source → its relative one, and where its generators may rest.
        self.places: dict[str, tuple[str, dict[int, tuple[str, ...]]]] = {}
        fetching = (getattr(type(self), name) for name in self.FETCHING)
        self.stack = LoopStack(self.targets, (function.__code__ for function in fetching))

    # Sources

    def relative_path(self, path: str) -> str:
        return os.path.relpath(os.path.abspath(path), self.program.root).replace(os.sep, "/")

    def compile_tree(
        self, tree: ast.Module, text: str, path: str, name: str
    ) -> tuple[CodeType, list[transform.LoopStatement]]:
        """Rewrites and compiles a source; `text` is the recorded one."""
        relative = self.relative_path(path)
        self.places[path] = relative, resting_places(tree, relative)
        loops = transform.rewrite(tree, relative, text)
        code = compile(tree, path, "exec", dont_inherit=True)
        self.files[path] = relative
        if name not in self.module_names:
            self.module_names.append(name)
        self.targets.update((loop.id, loop.target) for loop in loops)
        self.yielding.update(loop.id for loop in loops if loop.yields)
        return code, loops

    @staticmethod
    def read_source(path: str) -> str:
        with io.open_code(path) as file:  # not through `open`: it is not the program that reads
            return importlib.util.decode_source(file.read())

    # Frames and modules

    def frames(self, frame: Optional[FrameType]) -> list[FrameType]:
        """The program's own frames from the outermost to this one."""
        result = []
        while frame is not None:
            code = frame.f_code
            if code.co_filename in self.files and code.co_name != PROBE_FUNCTION:
                result.append(frame)
            frame = frame.f_back
        return result[::-1]

    def modules(self) -> dict[str, ModuleType]:
        # By name: a probe's import may change the order in which they are loaded.
        loaded = ((name, sys.modules.get(name)) for name in sorted(self.module_names))
        return {name: module for name, module in loaded if module is not None}

    def is_project_code(self, code: Optional[CodeType]) -> bool:
        return code is not None and code.co_filename in self.files

    # State

    def names_excluded(self, owner: Any, name: str) -> bool:
        """Whether a name is none of the program's."""
        return False

    def anchors_at(self, loop: Loop, frame: FrameType, limit: Optional[float]) -> Anchors:
        """Numbers what the program reaches at a boundary of a loop."""
        from . import state  # not needed by programs without loops

        self.stack.surrounding(frame)  # which of the loops are fetching
        around = [p for p in (*loop.parents[1:], loop) if p.iterator is not None]
        driven = [p for p in around if self._is_driven_by_rests(p)]
        with self.stack.aside():
            walk = state.Walk(self._visible(frame, self._iterators(enumerate(driven))), limit)
        shared = tuple(p for p in around if p in driven or draws_from(p.iterator, walk.passed))
        return Anchors(walk, shared, loop.index)

    def note_iterator(self, loop: Loop) -> None:
        """The loop has its iterator now."""
        for anchors in loop.anchors:
            if draws_from(loop.iterator, anchors.walk.passed):
                anchors.shared += (loop,)

    def _is_driven_by_rests(self, loop: Loop) -> bool:
        """Whether generators of the program are behind a loop's iterator that are all known."""
        return (
            not loop.is_fetching
            and driven_by_generator(loop.iterator, self.is_project_code)
            and self.is_carried(loop.iterator)
        )

    def is_carried(self, iterator: Any) -> bool:
        return is_carried(iterator, lambda generator: self.rest_of(generator) is not None)

    def rest_of(self, generator: GeneratorType) -> Optional[rests.Rest]:
        return rests.rest_of(generator, self.places, self.stack.live, self.is_carried)

    def visible(self, frame: FrameType, walk: Any = None) -> Any:
        """What the program's variables hold; with a walk, those of the generators at rest that it met, too."""
        known = [] if walk is None else walk.rests()
        return self._visible(frame, self._iterators((), known), known)

    def _visible(
        self, frame: FrameType, iterators: Optional[ModuleType], known: Iterable[rests.Rest] = ()
    ) -> Any:
        from . import state

        modules = self.modules()
        if iterators is not None:
            modules[ITERATORS] = iterators
        frames = [rest.frame for rest in known]
        return state.Roots(self.frames(frame), modules, self.names_excluded, self.rest_of, frames)

    def roots(self, loop: Loop, frame: FrameType, anchors: Anchors) -> Any:
        """What a checkpoint in or behind a loop holds."""
        known = anchors.walk.rests()
        # Behind the loop its own iterator is nobody's.
        shared = [
            (number, live)
            for number, live in enumerate(anchors.shared)
            if live.iterator is not None and live in self.stack.live
        ]
        return self._visible(frame, self._iterators(shared, known), known)

    def _iterators(
        self, shared: Iterable[tuple[int, Loop]], known: Iterable[rests.Rest] = ()
    ) -> Optional[ModuleType]:
        """A namespace of what loops draw from."""
        iterators = {f"loop{number}": live.iterator for number, live in shared}
        for number, rest in enumerate(known):
            iterators.update((f"generator{number}_{depth}", i) for depth, i in rest.iterators)
        if not iterators:
            return None
        module = ModuleType(ITERATORS)
        module.__dict__.update(iterators)
        return module

    @staticmethod
    def generators_of(anchors: Anchors) -> list[list[dict[str, Any]]]:
        """What a checkpoint keeps of the loops of generators at rest."""
        return [rests.state_of(rest) for rest in anchors.walk.rests()]

    def take_iterators(self, anchors: Anchors, roots: Any) -> None:
        """After restoring: live loops go on with the iterators that were captured."""
        iterators = roots.modules.get(ITERATORS)
        if iterators is None:
            return
        taken = {f"loop{number}": live for number, live in enumerate(anchors.shared)}
        for number, rest in enumerate(anchors.walk.rests()):
            taken.update((f"generator{number}_{depth}", p) for depth, p in enumerate(rest.loops))
        for name, live in taken.items():
            if name in iterators.__dict__:
                live.iterator = iterators.__dict__[name]
                (self.stack.open if may_run_code(live.iterator) else self.stack.close)(live)

    # Entry points of rewritten code

    def provide_functions(self) -> None:
        for name, function in self.functions().items():
            provide(f"__hindsight_{name}__", function)
        provide_at_exit({f"__hindsight_{name}__": f for name, f in NOTHING.items()})

    def functions(self) -> dict[str, Callable[..., Any]]:
        """What rewritten code calls, by the name without `__hindsight_` (see `transform`)."""
        return {
            "for": self.for_loop,
            "while": self.while_loop,
            "next": self.while_next,
            "ended": self.while_ended,
            "leave": self.while_leave,
            "after": self.after_loop,
            "exhausted": self.loop_exhausted,
            "log": self.log_function,
            "source": self.entropy.source,
        }

    def while_loop(self, identity: str) -> None:
        self.enter(identity, sys._getframe(1))

    def while_ended(self, identity: str) -> bool:
        """The condition of a `while` is false: what had begun was no iteration."""
        loop = self.stack.innermost(identity, sys._getframe(1))
        if loop is not None:
            loop.index -= 1
            if loop.events:
                loop.fetched = loop.index
            self.left(loop)  # an `else` block stands outside
        return False

    def while_leave(self, identity: str) -> None:
        loop = self.stack.innermost(identity, sys._getframe(1))
        if loop is not None:
            self.left(loop)

    def after_loop(self, identity: str) -> None:
        """The loop that was left last has ended by itself or, if it has an `else` block, by `break`."""
        frame = sys._getframe(1)
        loop = self._ended(identity, frame)
        if loop is not None:
            self.stack.ended = None
            self.exited(loop, frame, False)

    def loop_exhausted(self, identity: str) -> bool:
        """Whether the loop that was left last has ended by itself, asked at the head of its `else` block."""
        frame = sys._getframe(1)
        loop = self._ended(identity, frame)
        if loop is not None:
            if not self.has_else_ahead(loop):
                return False
            self.stack.ended = None
            self.exited(loop, frame, True)
        return True

    def _ended(self, identity: str, frame: FrameType) -> Optional[Loop]:
        loop = self.stack.ended
        if loop is None or loop.id != identity or loop.frame_id != id(frame):
            return None
        return loop if self.stack.is_tracking() else None

    def has_else_ahead(self, loop: Loop) -> bool:
        """Whether a loop that has not been left by `break` goes on in its `else` block."""
        return True

    def enter(self, identity: str, frame: FrameType) -> Optional[Loop]:
        """A loop statement is reached; None where this activation is not the program's own."""
        raise NotImplementedError

    def left(self, loop: Loop) -> None:
        """The loop is not live any more, however that came."""
        raise NotImplementedError

    def exited(self, loop: Loop, frame: FrameType, at_else: bool) -> None:
        """It ended by itself or by `break`; called after `left`, `at_else` at the head of its `else` block."""
        raise NotImplementedError

    def for_loop(self, identity: str, iterable: Iterable) -> Iterable:
        raise NotImplementedError

    def while_next(self, identity: str) -> bool:
        raise NotImplementedError

    def log_function(self, site: str, function: Any) -> Any:
        raise NotImplementedError

    def hooks(self, **options: Any) -> Hooks:
        return Hooks(self.program, self.compile_file, self.run_main, **options)

    def compile_file(self, path: str, name: str) -> Optional[CodeType]:
        raise NotImplementedError

    def run_main(self, execute: Callable[[], None]) -> None:
        raise NotImplementedError


#: What rewritten code calls when nobody observes it any more. They use no globals, which are gone by then.
NOTHING: dict[str, Callable[..., Any]] = {
    "for": lambda identity, iterable: iterable,
    "while": lambda identity: None,
    "next": lambda identity: True,
    "ended": lambda identity: False,
    "leave": lambda identity: None,
    "after": lambda identity: None,
    "exhausted": lambda identity: True,
    "log": lambda site, function: function,
    "source": lambda function: function,
}


def exit_code(error: SystemExit) -> int:
    """The process's exit status for a `SystemExit`, as Python derives it."""
    if error.code is None:
        return 0
    return error.code & 0xFF if isinstance(error.code, int) else 1


def last_line(error: BaseException) -> str:
    """The exception as the last line of a traceback names it."""
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return text.splitlines()[0][:500] if text else type(error).__name__
