"""Programs in pure Python: from every boundary, in a fresh process, they go on as they did."""

from __future__ import annotations

from .state_programs import ProgramCase


class Programs(ProgramCase):
    def test_slots_cycles_closures(self) -> None:
        self.check({"main.py": """
            import random, threading, collections
            class Node:
                __slots__ = ('v', 'next', 'w', 'extra')
                def __init__(self, v): self.v = v; self.next = None
            class Trainer:
                count = 0
                def __init__(self):
                    self.a = Node(1.0); self.b = Node(2.0); self.a.next = self.b; self.b.next = self.a
                    self.me = self; self.lock = threading.Lock(); self.seen = {self.a}
                    self.queue = collections.deque(maxlen=5); self.groups = collections.defaultdict(list)
                    self.callback = lambda: self.a.v
                def step(self):
                    self.a.v = self.a.v * 0.9 + self.b.v * random.random(); self.b.v += self.callback() * 0.1
                    self.b.w = (self.a.v,); Trainer.count += 1; self.queue.append(self.a.v)
                    self.groups[Trainer.count % 3].append(self.b)
                    n = Node(self.a.v); n.next = self.b; self.b.extra = n
            random.seed(0)
            t = Trainer(); alias = [t.a, t.b]; unused = (i * i for i in range(100))
            for epoch in checkpointed(range(4)):
                for _ in range(10): t.step()
                if epoch == 2: alias.append(t.b.extra)
                emit(t.a.v, t.b.v, len(alias), sum(t.queue))
            assert alias[0] is t.a and t.me is t and t.a.next is t.b
            emit(t.a.v, t.count)
            """})

    def test_loop_in_a_method_below_a_function(self) -> None:
        self.check(
            {
                "main.py": """
            import engine
            def main(epochs):
                model = engine.Model(); log = []
                def note(x):
                    nonlocal total
                    total += x; log.append(total)
                total = 0.0
                trainer = engine.Trainer(model, note)
                trainer.fit(epochs)
                emit(total, log, engine.STEPS)
            main(3)
            """,
                "engine.py": """
            import random
            STEPS = 0
            CACHE = {}
            class Model:
                def __init__(self): self.w = [0.5, 0.25]
            class Trainer:
                def __init__(self, model, note): self.model, self.note = model, note
                def fit(self, epochs):
                    best = None
                    rate = 0.1
                    for self.epoch in checkpointed(range(epochs)):
                        loss = self.pass_over(rate)
                        if best is None or loss < best: best, when = loss, self.epoch
                        rate *= 0.5
                        emit(loss, best, when, rate)
                def pass_over(self, rate, memo={}):
                    global STEPS
                    for i in range(5):
                        self.model.w[i % 2] -= rate * random.gauss(0, 1); STEPS += 1
                        memo[i] = memo.get(i, 0) + self.model.w[0]; CACHE.setdefault(i, []).append(rate)
                        self.note(memo[i])
                    return abs(sum(self.model.w)) + sum(memo.values())
            random.seed(1)
            """,
            }
        )

    def test_functions_made_in_the_loop_share_its_variables(self) -> None:
        self.check({"main.py": """
            def main():
                total, callbacks = 0, []
                for epoch in checkpointed(range(4)):
                    def add(x, epoch=epoch):
                        nonlocal total
                        total += x * epoch
                        return total
                    callbacks.append(add)
                    for callback in callbacks: emit(callback(1))
                    emit(total, epoch)
                emit(total)
            main()
            """})

    def test_import_inside_the_loop(self) -> None:
        self.check(
            {
                "main.py": """
            def main():
                n = 0
                for epoch in checkpointed(range(3)):
                    import late
                    n += late.bump()
                    emit(n, late.COUNT)
            main()
            """,
                "late.py": """
            COUNT = 0
            def bump():
                global COUNT
                COUNT += 1
                return COUNT
            """,
            }
        )

    def test_names_that_come_and_go(self) -> None:
        self.check({"main.py": """
            def main():
                first = [1]
                for epoch in checkpointed(range(4)):
                    if epoch == 0: second = first
                    if epoch == 1: del first
                    if epoch == 2: first = second + [2]
                    try: first.append(epoch)
                    except UnboundLocalError: emit('unbound')
                    except AttributeError: emit('unbound')
                    emit(second)
            main()
            at = 5
            """})

    def test_sets_of_objects_and_strings(self) -> None:
        self.check({"main.py": """
            import random
            random.seed(3)
            class Item:
                def __init__(self, n): self.n = n
            items = [Item(i) for i in range(20)]
            chosen = set(items[:5]); words = {'alpha', 'beta', 'gamma'}
            only = {Item(100)}
            for epoch in checkpointed(range(4)):
                chosen.discard(items[epoch]); chosen.add(items[10 + epoch])
                words.add(str(random.random())); words.discard('beta')
                fresh = {Item(i) for i in range(3)}
                for item in only: item.n += epoch
                emit(sorted(i.n for i in chosen), list(words), [i.n for i in only], sum(i.n for i in fresh))
            """})

    def test_what_will_not_be_read_is_not_lost(self) -> None:
        boundaries = self.check({"main.py": """
            import random
            def train(n):
                global kept
                total = 0
                for epoch in checkpointed(range(n)):
                    stream = (random.random() for _ in range(3)); next(stream)
                    for x in stream: break
                    try: total += x
                    finally: other = (i for i in range(2)); next(other)
                    with open(__file__) as file: file.readline()
                    kept = epoch
                    emit(total)
            train(3)
            """})
        for point in boundaries[1:]:
            self.assertEqual([], point["lost"])
            self.assertEqual(["train.other", "train.stream"], sorted(point["idle"]))

    def test_what_will_be_read_is_lost(self) -> None:
        boundaries = self.check(
            {"main.py": """
            g = None
            for epoch in checkpointed(range(2)):
                if g is None: g = (i for i in range(9)); next(g)
                h = (i for i in range(2)); next(h)
                emit(1 if epoch == 0 else g is None)
            """},
            lost=("g",),
            at=(0,),
        )
        self.assertEqual(["h"], boundaries[-1]["idle"] + boundaries[-2]["idle"][:0])
