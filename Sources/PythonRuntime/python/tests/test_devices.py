"""What is done about GPUs, with a pretended one: no machine that runs these tests need have any."""

from __future__ import annotations

import contextlib
import importlib.util
import unittest
from typing import Any, Iterator
from unittest import mock

from .recorded_program import Project, texts
from .test_replaying import with_probe

#: Two generators as torch makes them when a program begins to use GPUs: seeded at random.
PRETENDED = """
    import time
    import torch

    def begin():
        generators = tuple(torch.Generator() for _ in range(2))
        for generator in generators:
            generator.seed()
        torch.cuda.default_generators = generators
        for call, _ in torch.cuda._queued_calls:
            if call.__module__.startswith("hindsight_runtime"):
                call()

    torch._C._cuda_getDeviceCount = lambda: 0
    begin()
    first, second = torch.cuda.default_generators
    total = torch.zeros(3)
    for epoch in range(4):
        total += torch.rand(3, generator=first) - torch.rand(3, generator=second)
        time.sleep(0.03)
        print("epoch", epoch)
    print("total", total.tolist())
    """


@unittest.skipUnless(importlib.util.find_spec("torch"), "torch is not installed")
class DevicesTests(unittest.TestCase):
    def test_unseeded_generators_are_the_runs_own(self) -> None:
        project = Project({"train.py": PRETENDED})
        self.addCleanup(project.remove)
        recording = project.record("train.py")
        self.assertEqual(recording.result.returncode, 0, recording.result.stderr)
        names = [message["name"] for message in recording.of("initial")]
        self.assertIn("cuda:0", names)
        self.assertIn("cuda:1", names)
        edited = with_probe(PRETENDED, 'print("total"', 'print("probe", total.tolist())')
        probe = texts(recording.replay({"train.py": edited}))
        self.assertEqual(probe, [recording.of("log")[-1]["text"].replace("total", "probe")])
        self.assertNotEqual(project.plain("train.py").stdout, project.plain("train.py").stdout)

    @contextlib.contextmanager
    def pretended(self, devices: int = 3, capturing: bool = False) -> Iterator[mock.Mock]:
        import torch

        waited = mock.Mock()
        generators = tuple(torch.Generator() for _ in range(devices))
        with contextlib.ExitStack() as stack:
            for owner, name, value in (
                (torch.cuda, "is_initialized", lambda: True),
                (torch.cuda, "device_count", lambda: devices),
                (torch.cuda, "current_device", lambda: 1),
                (torch.cuda, "is_current_stream_capturing", lambda: capturing),
                (torch.cuda, "synchronize", waited),
                (torch.cuda, "default_generators", generators),
                (torch._C, "_cuda_hasPrimaryContext", lambda device: device != 1),
            ):
                stack.enter_context(mock.patch.object(owner, name, value, create=True))
            yield waited

    def state(self, weights: Any) -> Any:
        import types

        from hindsight_runtime import state

        module = types.ModuleType("pretended_program")
        module.weights = weights  # type: ignore[attr-defined]
        return state.Roots([], {module.__name__: module})

    def test_what_they_still_do_is_awaited(self) -> None:
        import torch

        from hindsight_runtime import state

        with self.pretended() as waited:
            roots = self.state(torch.ones(3))
            walk = state.Walk(roots)
            captured = state.capture(walk, roots)
            self.assertEqual([call.args for call in waited.call_args_list], [(0,), (2,)])
            buffers = [bytearray(b) for b in captured.buffers]
            waited.reset_mock()
            self.assertIsNone(state.difference(walk, roots, captured.stream, buffers))
            self.assertEqual(len(waited.call_args_list), 2)
            waited.reset_mock()
            with mock.patch.object(torch.cuda, "set_device"), mock.patch.object(
                torch.cuda, "set_rng_state"
            ):
                state.restore(walk, roots, captured.stream, buffers)
            # Before the memory is filled, and behind it.
            self.assertEqual([call.args for call in waited.call_args_list], [(0,), (2,), (0,), (2,)])

    def test_nothing_waits_while_a_graph_is_captured(self) -> None:
        import torch

        from hindsight_runtime import state

        with self.pretended(capturing=True) as waited:
            roots = self.state(torch.ones(3))
            with self.assertRaises(state.CaptureFailed):
                state.capture(state.Walk(roots), roots)
            waited.assert_not_called()

    def test_generators_and_the_current_device_are_state(self) -> None:
        import torch

        from hindsight_runtime.state import hidden

        with self.pretended(2), mock.patch.object(torch.cuda, "set_device") as chosen:
            recorded = hidden.read()
            self.assertEqual(recorded["torch.cuda.device"], 1)
            first = torch.rand(2, generator=torch.cuda.default_generators[0]).tolist()
            self.assertIn("torch.random.cuda:0", hidden.difference(recorded, hidden.read()) or "")

            def set_state(state: Any, device: int) -> None:
                torch.cuda.default_generators[device].set_state(state)

            with mock.patch.object(torch.cuda, "set_rng_state", set_state):
                hidden.write(recorded)
            self.assertEqual(torch.rand(2, generator=torch.cuda.default_generators[0]).tolist(), first)
            chosen.assert_not_called()

    def test_only_deterministic_algorithms_are_believed(self) -> None:
        import torch

        from hindsight_runtime.state import devices

        self.assertIsNone(devices.doubt())
        before = torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.benchmark
        try:
            with self.pretended():
                torch.use_deterministic_algorithms(False)
                self.assertIn("use_deterministic_algorithms", devices.doubt() or "")
                torch.use_deterministic_algorithms(True, warn_only=True)
                self.assertIn("use_deterministic_algorithms", devices.doubt() or "")
                torch.use_deterministic_algorithms(True)
                self.assertIsNone(devices.doubt())
                torch.backends.cudnn.benchmark = True
                self.assertIn("benchmark", devices.doubt() or "")
        finally:
            torch.use_deterministic_algorithms(before[0])
            torch.backends.cudnn.benchmark = before[1]

    def test_a_replay_says_so_before_its_first_value(self) -> None:
        source = PRETENDED.replace(
            "    begin()\n", "    begin(); torch.cuda.is_initialized = lambda: STARTED\n"
        )
        source = source.replace("STARTED", 'epoch > 1 if "epoch" in globals() else False')
        source = source.replace(
            "import torch\n", "import torch; torch.cuda.device_count = lambda: 0\n", 1
        )
        project = Project({"train.py": source})
        self.addCleanup(project.remove)
        recording = project.record("train.py")
        self.assertEqual(recording.result.returncode, 0, recording.result.stderr)
        edited = with_probe(source, "total +=", 'print("probe", total.sum())')
        messages = recording.replay({"train.py": edited})
        kinds = [m["t"] for m in messages if m["t"] in ("hit", "file")]
        self.assertEqual(kinds, ["hit", "hit", "file", "hit", "hit"])
        doubt = next(m for m in messages if m["t"] == "file")
        self.assertIn("GPU", doubt["reason"])
        hits = [m["key"] for m in messages if m["t"] == "hit"]
        self.assertTrue(hits[1] < doubt["key"] <= hits[2])


@unittest.skipUnless(importlib.util.find_spec("torch"), "torch is not installed")
class FlagsTests(unittest.TestCase):
    def test_flags_of_attention_precision_and_autocast_come_back(self) -> None:
        import torch

        from hindsight_runtime.state import hidden

        before = hidden.read()
        try:
            torch.set_float32_matmul_precision("high")
            torch.backends.mkldnn.matmul.fp32_precision = "bf16"
            torch.backends.cuda.enable_flash_sdp(False)
            torch.set_autocast_dtype("cuda", torch.bfloat16)
            torch.set_autocast_cache_enabled(False)
            changed = hidden.read()
            self.assertNotEqual(changed, before)
            hidden.write(before)
            self.assertEqual(hidden.read(), before)
            hidden.write(changed)
            self.assertEqual(hidden.read(), changed)
            self.assertEqual(torch.backends.mkldnn.matmul.fp32_precision, "bf16")
            self.assertFalse(torch.backends.cuda.flash_sdp_enabled())
            self.assertEqual(torch.get_autocast_dtype("cuda"), torch.bfloat16)
        finally:
            hidden.write(before)

    def test_weights_that_autocast_keeps_are_lost(self) -> None:
        import torch

        from hindsight_runtime.state import hidden

        self.assertEqual(hidden.lost(), [])
        with torch.autocast("cpu", dtype=torch.bfloat16):
            self.assertEqual(hidden.lost(), ["weights that autocast has cast"])
            self.assertEqual(len(hidden.lost()), 1)
        with torch.autocast("cpu", dtype=torch.bfloat16, cache_enabled=False):
            self.assertEqual(hidden.lost(), [])
        self.assertEqual(hidden.lost(), [])


if __name__ == "__main__":
    unittest.main()
