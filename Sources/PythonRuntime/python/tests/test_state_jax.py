from __future__ import annotations

import importlib.util
import os
import unittest

from .recorded_program import Project
from .state_cases import StateCase

HAS_JAX = importlib.util.find_spec("jax") is not None
os.environ.setdefault("JAX_PLATFORMS", "cpu")


@unittest.skipUnless(HAS_JAX, "JAX is not installed")
class Arrays(StateCase):
    def test_arrays_keys_and_compiled_functions(self) -> None:
        self.check(
            """
            import jax, jax.numpy as jnp
            constant = jnp.arange(5.0); key = jax.random.key(3); old = jax.random.PRNGKey(1)
            weights = {'w': jnp.ones((2, 3), jnp.bfloat16), 'n': 0}; weak = jnp.asarray(1.0); empty = jnp.zeros((0, 2))
            step = jax.jit(lambda w, c: w * 2 + c[:1].astype(w.dtype))
            """,
            """
            key, own = jax.random.split(key)
            weights = {'w': step(weights['w'], constant), 'n': weights['n'] + 1}
            placed = jax.device_put(jax.random.normal(own, (3,)), jax.devices()[0]); weak = weak + 1.0
            """,
            "jax.random.key_data(key).tolist(), weights['w'].tolist(), weights['w'].dtype, placed.tolist(),"
            " (weak.weak_type, placed.committed, float(weak))",
            holds="constant.tolist() == [0, 1, 2, 3, 4] and weak.weak_type and empty.shape == (0, 2)",
        )

    def test_what_was_donated_stays_given_up(self) -> None:
        self.check(
            """
            import jax, jax.numpy as jnp
            from functools import partial
            first = state = jnp.arange(4.0); count = 0
            step = partial(jax.jit, donate_argnums=0)(lambda s: s + 1)
            """,
            "before = state; state = step(state); count += 1",
            "state.tolist(), count",
            holds="first.is_deleted() and before.is_deleted() and not state.is_deleted()",
        )


TRACED = """
    import time
    import jax
    import jax.numpy as jnp

    @jax.jit
    def step(w):
        for i in range(3):
            w = w * 0.9 + i
        return w

    w = jnp.ones(3)
    for epoch in range(6):
        for batch in range(4):
            w = step(w)
            time.sleep(0.03)
        print("epoch", epoch, w)
    """


@unittest.skipUnless(HAS_JAX, "JAX is not installed")
class Tracing(unittest.TestCase):
    def setUp(self) -> None:
        self.project = Project({"train.py": TRACED})
        self.addCleanup(self.project.remove)
        self.recording = self.project.record("train.py", budget=1000)
        self.assertEqual(self.recording.result.returncode, 0, self.recording.result.stderr)
        boundaries = [
            c
            for c in self.recording.of("checkpoint")
            if c["kind"] == "boundary" and len(c["at"]) == 1 and c["at"][0][2] > 0
        ]
        self.assertTrue(boundaries)
        chosen = boundaries[0]
        self.passed = chosen["at"][0][2]
        place = [[*chosen["at"][0][:2], 0]]
        self.jumps = [{"at": place, "to": self.passed, "checkpoint": chosen["n"]}]

    def test_loops_in_a_traced_function_have_no_place_in_the_run(self) -> None:
        self.assertEqual(
            [c["at"] for c in self.recording.of("checkpoint") if "train.py:8" in str(c["at"])], []
        )
        later = [c["n"] for c in self.recording.of("checkpoint") if c["n"] > self.jumps[0]["checkpoint"]]
        messages = self.recording.replay(jumps=self.jumps, checks=later)
        recorded = {tuple(m["key"]): m["text"] for m in self.recording.of("log")}
        replayed = {tuple(m["key"]): m["text"] for m in messages if m["t"] == "log"}
        self.assertEqual(len(replayed), 6 - self.passed)
        self.assertEqual(replayed, {key: recorded.get(key) for key in replayed})
        differences = [m["difference"] for m in messages if m["t"] == "check"]
        self.assertEqual(differences, [None] * len(differences))

    def test_a_probe_in_one_is_not_answered_behind_a_jump(self) -> None:
        edited = TRACED.replace("        return w", "        print('P', w.shape)\n        return w")
        self.project.write("edited.py", edited)
        foresight = self.project.plain("edited.py").stdout.splitlines()
        messages = self.recording.replay({"train.py": edited})
        hits = [m["text"] for m in messages if m["t"] == "hit"]
        self.assertEqual(hits, [line for line in foresight if line.startswith("P")])
        self.assertEqual(len(hits), 1)
        messages = self.recording.replay({"train.py": edited}, jumps=self.jumps)
        self.assertEqual(
            [m["checkpoint"] for m in messages if m["t"] == "unusable"], [self.jumps[0]["checkpoint"]]
        )
        self.assertEqual([m for m in messages if m["t"] == "hit"], [])
        self.assertEqual(messages[-1]["status"], "unusable")


if __name__ == "__main__":
    unittest.main()
