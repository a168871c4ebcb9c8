"""A generator that goes through a PyTorch loader again and again is brought to a later time through it."""

from __future__ import annotations

import importlib.util
import unittest

from .test_generators_at_rest import Comparison

ENDLESS = """
    import time
    import torch
    from torch.utils.data import DataLoader, Dataset, RandomSampler, WeightedRandomSampler

    torch.manual_seed(0)
    torch.set_num_threads(1)

    class Noisy(Dataset):
        def __init__(self):
            self.x, self.reads = torch.randn(12, 4), 0

        def __len__(self):
            return len(self.x)

        def __getitem__(self, i):
            self.reads += 1
            return self.x[i] + torch.randn(4)

    def endless(loader):
        while True:
            for number, batch in enumerate(loader, 1):
                yield number, batch

    data = Noisy()
    batches = endless(DataLoader(data, batch_size=4, SHUFFLED))
    model = torch.nn.Linear(4, 1)
    opt = torch.optim.SGD(model.parameters(), lr=0.1)
    for step in range(9):
        number, x = next(batches)
        opt.zero_grad()
        loss = model(x).pow(2).mean()
        loss.backward()
        opt.step()
        time.sleep(0.02)
    print(loss.item(), torch.rand(1).item())
    """

HAS_TORCH = importlib.util.find_spec("torch") is not None


@unittest.skipUnless(HAS_TORCH, "torch is not installed")
class LoadersAtRest(unittest.TestCase):
    def run_with(self, shuffled: str) -> Comparison:
        return Comparison(
            self,
            ENDLESS.replace("SHUFFLED", shuffled),
            "opt.step()",
            'print("P", step, number, loss.item(), data.reads)',
            ("boundary", "for step"),
        )

    def test_are_shuffled_as_they_were(self) -> None:
        for shuffled in ("shuffle=True", "sampler=RandomSampler(data, replacement=True)"):
            with self.subTest(shuffled):
                run = self.run_with(shuffled)
                goal = run.usable("boundary", "for step")[-1]
                # The third time through the loader; the jump begins in the first.
                self.assertGreater(goal["at"][0][2], 6)
                run.assert_jumps(goal)

    def test_whose_order_is_not_known_are_left_alone(self) -> None:
        run = self.run_with("sampler=WeightedRandomSampler([1.0] * 12, 12)")
        self.assertLess(run.usable("boundary", "for step")[-1]["at"][0][2], 5)
        run.assert_jumps(run.usable("boundary", "for step")[-1])


if __name__ == "__main__":
    unittest.main()
