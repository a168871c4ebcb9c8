from __future__ import annotations

import importlib.util
import unittest

from hindsight_runtime.state import LayoutDiffers

from .state_cases import Program, StateCase
from .state_programs import ProgramCase

HAS_NUMPY = importlib.util.find_spec("numpy") is not None


@unittest.skipUnless(HAS_NUMPY, "NumPy is not installed")
class Arrays(StateCase):
    def test_arrays_and_views(self) -> None:
        self.check(
            """
            import numpy as np
            w = np.zeros((4, 5)); first = w[:2]; column = w[:, 1]; turned = w.T; back = w[::-1]
            flat = w.reshape(-1); fortran = np.asfortranarray(np.ones((3, 2))); alias = [w, {'w': w}]
            """,
            """
            w += 1; first *= 2; column -= 0.5; fortran[0] += w[0, 0]
            fresh = np.arange(6.0).reshape(2, 3) * w[0, 0]; window = fresh[:, 1:]; over = w[1:3]
            swapped = np.ones((2, 3, 4)).transpose(1, 2, 0).copy(order='K') * fresh[0, 1]
            """,
            "w.tolist(), turned.tolist(), back.sum(), fortran.tolist(), fresh.tolist(), window.tolist(),"
            " over.tolist(), swapped.strides, swapped.sum(), flat.sum()",
            holds="np.shares_memory(w, first) and np.shares_memory(fresh, window) and alias[1]['w'] is w"
            " and np.shares_memory(w, over) and (fresh.__setitem__((0, 1), 7.0), window[0, 0])[1] == 7.0",
        )

    def test_kinds_of_arrays(self) -> None:
        self.check(
            """
            import numpy as np
            objects = np.array([[1], 'a', None], dtype=object)
            records = np.zeros(3, dtype=[('x', 'f8'), ('n', 'i4')])
            fixed = np.arange(4); fixed.flags.writeable = False
            dates = np.array(['2020-01-01'], dtype='M8[D]'); words = np.array(['ab', 'c'])
            masked = np.ma.array([1.0, 2.0, 3.0], mask=[0, 1, 0]); empty = np.zeros((0, 3)); point = np.array(0.0)
            n = 0
            """,
            """
            n += 1
            objects[0].append(n); objects[2] = objects[0]; records['x'][n] = n; dates += 1; words[0] = str(n)
            masked[0] = n; masked.mask[2] = True; point += n; scalar = np.float32(n) / 3
            made = np.array([objects[0], {n}], dtype=object); part = np.resize(made, (3, 1))[1:]; late = np.arange(n); late.flags.writeable = False
            matrix = np.matrix([[n, 1], [2, 3]])
            """,
            "objects.tolist(), records.tolist(), dates, words, masked.data, masked.mask, point, scalar, made, late, matrix, n",
            holds="objects[2] is objects[0] and made[0] is objects[0] and part.base.shape == (4,) and part[1, 0] is objects[0] and not late.flags.writeable"
            " and not fixed.flags.writeable and type(scalar) is np.float32",
        )

    def test_bytes_of_another_length_are_not_written(self) -> None:
        program = Program("import numpy as np; data = np.zeros(10_000)", "data += 1")
        recorded = program.capture()
        recorded.buffers = [buffer + b"more" for buffer in recorded.buffers]
        with self.assertRaises(LayoutDiffers):
            program.restore(recorded)

    def test_generators(self) -> None:
        self.check(
            """
            import numpy as np
            rng = np.random.default_rng(3); same = np.random.Generator(rng.bit_generator)
            legacy = np.random.RandomState(1); np.random.seed(2); philox = np.random.Generator(np.random.Philox(5))
            seen = []
            """,
            """
            seen.append((rng.normal(), same.random(), legacy.normal(), np.random.normal(), philox.random()))
            children = rng.spawn(1) if hasattr(rng, 'spawn') else [np.random.default_rng(len(seen))]
            seen.append(children[0].random())
            other = np.random.RandomState(9); other.normal(size=len(seen))
            """,
            "seen, children[0].bit_generator.state, other.get_state()",
        )

    def test_memory_mapped_arrays(self) -> None:
        self.check(
            """
            import numpy as np, tempfile, os
            name = os.path.join(tempfile.gettempdir(), 'hindsight_state_map')
            table = np.memmap(name, dtype='f8', mode='w+', shape=(4,))
            """,
            "table[1] += 1; table.flush()",
            "table.tolist()",
            holds="type(table) is np.memmap",
        )

    def test_pandas(self) -> None:
        if importlib.util.find_spec("pandas") is None:
            self.skipTest("pandas is not installed")
        self.check(
            """
            import pandas as pd
            frame = pd.DataFrame({'a': [1.0, 2.0], 'b': ['x', 'y']}); series = frame['a'] * 2; n = 0
            """,
            """
            n += 1
            frame.loc[len(frame)] = [float(n), 'z']; series.iloc[0] = n
            grouped = frame.groupby('b')['a'].mean(); index = frame.index
            """,
            "frame, series, grouped, index",
        )


@unittest.skipUnless(HAS_NUMPY, "NumPy is not installed")
class Programs(ProgramCase):
    def test_network_at_script_level(self) -> None:
        self.check({"main.py": """
            import numpy as np
            rng = np.random.default_rng(3)
            X = rng.normal(size=(200, 30)); w0 = rng.normal(size=30); Y = X @ w0 + rng.normal(size=200) * 0.1
            w = np.zeros(30); v = np.zeros(30); history = []; views = w[:5]
            for epoch in checkpointed(range(4)):
                order = rng.permutation(200); loss = 0.0
                for i in range(0, 200, 50):
                    batch = order[i:i + 50]; mask = rng.random(30) > 0.1
                    e = X[batch] @ (w * mask) - Y[batch]; g = X[batch].T @ e / 50 * mask
                    v = 0.9 * v + g; w -= 0.01 * v; loss += float(e @ e)
                history.append((epoch, loss, float(views.sum())))
                emit(loss, float(views.sum()), len(history))
            """})

    def test_estimators(self) -> None:
        if importlib.util.find_spec("sklearn") is None:
            self.skipTest("scikit-learn is not installed")
        self.check(
            {"main.py": """
            import numpy as np
            from sklearn.datasets import load_digits
            from sklearn.linear_model import SGDClassifier
            from sklearn.neural_network import MLPClassifier
            from sklearn.ensemble import RandomForestClassifier
            X, y = load_digits(return_X_y=True)
            X, y = X[:300], y[:300]
            linear = SGDClassifier(random_state=0); net = MLPClassifier((16,), random_state=1)
            forest = RandomForestClassifier(2, warm_start=True, random_state=0, max_depth=3)
            for epoch in checkpointed(range(3)):
                linear.partial_fit(X, y, classes=np.unique(y)); net.partial_fit(X, y, classes=np.unique(y))
                forest.n_estimators += 1; forest.fit(X, y)
                emit(float(linear.coef_.sum()), float(net.loss_), float(forest.predict_proba(X).sum()))
            """},
            at=(1, 2),
        )
