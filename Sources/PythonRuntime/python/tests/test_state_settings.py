"""What no variable reaches, or only through objects of Python's own that hold more than they show."""

from __future__ import annotations

import importlib.util
import os
import sys
import unittest
from unittest import mock

from hindsight_runtime.secretnames import is_secret
from hindsight_runtime.state import Roots, Walk, capture, restore
from hindsight_runtime.state.caches import items_of

from .state_cases import StateCase


class Caches(StateCase):
    def test_cached_functions(self) -> None:
        self.check(
            """
            import functools, random
            random.seed(3); n = 0
            @functools.lru_cache(maxsize=None)
            def noise(key, *rest, scale=1): return [random.random() * scale, key, rest]
            @functools.lru_cache(maxsize=3, typed=True)
            def recent(key): return {'key': key, 'drawn': random.random()}
            class Model:
                @functools.lru_cache
                def weight(self, i): return random.random()
            model = Model(); noise('early')[0] = 5; recent(0)
            """,
            """
            n += 1
            noise(n); noise('early').append(n); noise((n, 2), 3, scale=n); held = noise(1)
            recent(n); recent(float(n)); recent(0); model.weight(n)
            for i in range(n): recent(i)
            results = noise('early'), noise(1), recent(2), model.weight(1)
            """,
            "results, held, noise.cache_info(), recent.cache_info(), Model.weight.cache_info(), random.getstate()[1][:9]",
            holds="results[1] is held",
        )

    def test_order_of_use_decides_what_goes(self) -> None:
        import functools

        cached = functools.lru_cache(maxsize=2)(lambda key: [key])
        for key in (1, 2, 1):
            cached(key)
        self.assertEqual([key for key, _ in items_of(cached)], [2, 1])


class Contexts(StateCase):
    def test_context_variables_and_thread_locals(self) -> None:
        self.check(
            """
            import contextvars, threading
            depth = contextvars.ContextVar('depth', default=0); seen = contextvars.ContextVar('seen'); seen.set([])
            class Local(threading.local):
                label = 'x'
            local, own = threading.local(), Local()
            local.count = 0; local.items = []; lock = threading.Lock()
            """,
            """
            depth.set(depth.get() + 1); seen.get().append(depth.get()); local.count += 2
            local.items = local.items + [local.count]; own.label += 'y'; lock.acquire() if depth.get() == 2 else None
            """,
            "depth.get(), seen.get(), local.count, local.items, own.label, lock.locked()",
        )

    def test_decimal_contexts(self) -> None:
        self.check(
            """
            import decimal
            from decimal import Decimal
            current = decimal.getcontext(); current.prec = 10; mine = decimal.Context(prec=4); value = Decimal(2)
            """,
            """
            current.prec += 3; mine.prec += 1; value = mine.sqrt(value) + 1 / Decimal(7)
            mine.traps[decimal.Inexact] = False; made = decimal.Context(prec=current.prec)
            """,
            "value, current.prec, decimal.getcontext().prec, mine.flags[decimal.Inexact], made.prec, 1 / Decimal(3)",
            holds="decimal.getcontext() is current",
        )

    def test_c_data(self) -> None:
        self.check(
            """
            import ctypes
            class Pair(ctypes.Structure):
                _fields_ = [('x', ctypes.c_double), ('n', ctypes.c_int)]
            number, row, pair = ctypes.c_int(3), (ctypes.c_float * 4)(), Pair(1.5, 2)
            """,
            "number.value += 1; row[1] += 0.5; pair.x *= 3",
            "number.value, list(row), pair.x, pair.n",
        )

    def test_a_changed_data_base_is_noticed(self) -> None:
        from hindsight_runtime.state import LayoutDiffers

        from .state_cases import Program

        preamble = """
            import sqlite3
            base = sqlite3.connect(':memory:'); base.execute('create table t (x)')
            """
        body = "base.execute('insert into t values (1)')"
        program = Program(preamble, body)
        program.step()
        recorded = program.capture()
        self.assertIsNone(program.difference(recorded))
        program.step()
        self.assertIn("base", program.difference(recorded) or "")
        anew = Program(preamble, body)
        with self.assertRaisesRegex(LayoutDiffers, "data base"):
            anew.restore(recorded)


class Settings(StateCase):
    def setUp(self) -> None:
        directory, limit = os.getcwd(), sys.getrecursionlimit()
        self.addCleanup(os.chdir, directory)
        self.addCleanup(sys.setrecursionlimit, limit)
        self.addCleanup(os.environ.pop, "HINDSIGHT_TEST_VARIABLE", None)

    def test_of_the_process(self) -> None:
        self.check(
            """
            import os, sys
            n = 0; os.chdir('/'); os.environ.pop('HINDSIGHT_TEST_VARIABLE', None); sys.setrecursionlimit(2000)
            """,
            """
            n += 1; os.chdir(['/usr', '/tmp'][n % 2]); sys.setrecursionlimit(2000 + n)
            os.environ['HINDSIGHT_TEST_VARIABLE'] = str(n) if n < 3 else ''
            """,
            "os.getcwd(), sys.getrecursionlimit(), os.environ.get('HINDSIGHT_TEST_VARIABLE')",
        )

    def test_secrets_are_in_no_checkpoint_and_stay_as_they_are(self) -> None:
        roots = Roots([], {})
        given = {"MY_API_TOKEN": "sesame", "DATABASE": "postgres://me:sesame@host/db", "PLAIN": "word"}
        with mock.patch.dict(os.environ, given):
            walk = Walk(roots)
            captured = capture(walk, roots)
            self.assertIn(b"word", captured.stream)
            self.assertNotIn(b"sesame", captured.stream)
            os.environ.update(MY_API_TOKEN="other", PLAIN="other")
            restore(walk, roots, captured.stream, captured.buffers)
            self.assertEqual((os.environ["MY_API_TOKEN"], os.environ["PLAIN"]), ("other", "word"))
        for name in ("TOKENIZERS_PARALLELISM", "KEYBOARD_LAYOUT", "PATH"):
            self.assertFalse(is_secret(name, "http://host:80/a@b"))
        for name in ("PGPASSWORD", "AWS.SECRET", "MYSQL_PWD", "WANDB_API_KEY"):
            self.assertTrue(is_secret(name, ""))

    def test_of_the_standard_library(self) -> None:
        self.check(
            """
            import decimal, logging, signal, warnings
            n = 0; log = logging.getLogger('hindsight.sample'); decimal.getcontext().prec = 10
            def handler(number, frame): pass
            log.setLevel(0); signal.signal(signal.SIGUSR1, signal.SIG_DFL); filters = len(warnings.filters)
            """,
            """
            n += 1; log.setLevel(10 * n); logging.getLogger('hindsight.made').propagate = n % 2 == 0
            signal.signal(signal.SIGUSR1, handler if n == 1 else signal.SIG_IGN); decimal.getcontext().prec += 1
            warnings.simplefilter('ignore', [UserWarning, RuntimeWarning, FutureWarning][n % 3])
            """,
            "log.level, logging.getLogger('hindsight.made').propagate, warnings.filters[:2], decimal.getcontext().prec,"
            " getattr(signal.getsignal(signal.SIGUSR1), '__name__', signal.getsignal(signal.SIGUSR1))",
        )

    def test_other_log_handlers_are_not_taken_for_the_same(self) -> None:
        from hindsight_runtime.state import LayoutDiffers

        from .state_cases import Program

        body = "log.addHandler(logging.NullHandler())"
        program = Program("import logging; log = logging.getLogger('hindsight.handled')", body)
        self.addCleanup(lambda: program.module.log.handlers.clear())
        program.step()
        recorded = program.capture()
        self.assertIsNone(program.difference(recorded))
        program.step()
        self.assertIn("loggers", program.difference(recorded) or "")
        with self.assertRaisesRegex(LayoutDiffers, "other handlers"):
            program.restore(recorded)

    @unittest.skipUnless(importlib.util.find_spec("numpy"), "NumPy is not installed")
    def test_of_numpy(self) -> None:
        self.check(
            "import numpy as np; x = np.arange(3) / 7; n = 1; np.set_printoptions(precision=8); np.seterr(all='warn')",
            "n += 1; np.set_printoptions(precision=n); np.seterr(divide=['ignore', 'raise'][n % 2])",
            "str(x), np.geterr()",
        )

    @unittest.skipUnless(importlib.util.find_spec("pandas"), "pandas is not installed")
    def test_of_pandas(self) -> None:
        self.check(
            "import pandas as pd; s = pd.Series([1 / 7]); n = 1",
            "n += 1; pd.set_option('display.precision', n)",
            "str(s)",
        )


if __name__ == "__main__":
    unittest.main()
