"""Which calls log, and what."""

from __future__ import annotations

import io
import logging
import math
import sys
import types
import unittest
from typing import Any

from hindsight_runtime import logs


def tracker(module: str) -> Any:
    class Run:
        def __init__(self) -> None:
            self.calls: list = []

        def log(self, *args: Any, **options: Any) -> str:
            self.calls.append((args, options))
            return "passed on"

        log_metric = log
        add_scalars = log

    Run.__module__ = module
    return Run()


class Scalar:
    """Stands for a one-element tensor."""

    def item(self) -> float:
        return math.nan


class Logs(unittest.TestCase):
    def setUp(self) -> None:
        self.records: list = []

    def call(self, function: Any, *args: Any, **options: Any) -> Any:
        wrapper = logs.wrapper(function)
        assert wrapper is not None
        return wrapper("a.py:1:0", function, self.sink)(*args, **options)

    def sink(self, site: str, text: str, name: Any, value: Any) -> None:
        self.records.append((text, name, value))

    def test_other_functions_are_left_alone(self) -> None:
        for function in (math.log, io.StringIO().write, len, types.SimpleNamespace(log=1), print.__class__):
            self.assertIsNone(logs.wrapper(function))
        self.assertIsNone(logs.wrapper(tracker("project.metrics").log))

    def test_named_values(self) -> None:
        run = tracker("wandb.sdk.wandb_run")
        result = self.call(run.log, {"loss": 0.5, "val": {"acc": Scalar()}}, step=3)
        self.assertEqual(result, "passed on")
        self.assertEqual(self.records, [("loss 0.5", "loss", 0.5), ("val/acc NaN", "val/acc", "NaN")])
        self.assertEqual(run.calls, [(({"loss": 0.5, "val": run.calls[0][0][0]["val"]},), {"step": 3})])

    def test_single_and_grouped_values(self) -> None:
        run = tracker("mlflow.tracking")
        self.call(run.log_metric, "lr", 0.1)
        self.call(run.log_metric, key="lr", value=2)
        self.call(run.add_scalars, "run", {"a": 1, "b": True}, 7)
        self.assertEqual(
            self.records,
            [("lr 0.1", "lr", 0.1), ("lr 2", "lr", 2), ("run/a 1", "run/a", 1), ("run/b True", "run/b", True)],
        )

    def test_print_writes_what_it_would(self) -> None:
        file = io.StringIO()
        self.call(print, "a", 2, sep="\n", end="!\n", file=file)
        self.assertEqual(file.getvalue(), "a\n2!\n")
        self.assertEqual(self.records, [("a\n2!", None, None)])

    def test_print_that_raises(self) -> None:
        with self.assertRaises(TypeError):
            self.call(print, "a", wrong=1)
        self.assertEqual(self.records, [])

    def test_disabled_levels_do_not_log(self) -> None:
        logger = logging.Logger("t", level=logging.WARNING)
        logger.addHandler(logging.NullHandler())
        self.call(logger.info, "no")
        self.call(logger.warning, "%s of %d", "yes", 1)
        self.call(logger.log, logging.ERROR, "%(a)s", {"a": 2})
        self.assertEqual([text for text, _, _ in self.records], ["yes of 1", "2"])

    def test_standard_streams(self) -> None:
        kept, sys.stdout = sys.stdout, io.StringIO()
        try:
            self.call(sys.stdout.write, "a\n")
        finally:
            sys.stdout = kept
        self.assertEqual(self.records, [("a", None, None)])


if __name__ == "__main__":
    unittest.main()
