"""A Boltzmann bandit learns; a cooler policy is judged from its log by importance weights."""

import random

from policies import Boltzmann

rng = random.Random(77)
world = random.Random(78)
payoffs = {name: world.uniform(0.2, 0.8) for name in ("red", "green", "blue", "white", "black")}
policy = Boltzmann(list(payoffs), temperature=0.3)


class Log:
    def __init__(self, size):
        self.size, self.seen, self.kept = size, 0, []

    def add(self, entry):
        """A uniform sample of everything that was ever added."""
        self.seen += 1
        if len(self.kept) < self.size:
            self.kept.append(entry)
        elif (slot := rng.randrange(self.seen)) < self.size:
            self.kept[slot] = entry


log = Log(300)
estimates = []
for block in range(30):
    if block % 10 == 0:
        # A phase begins: the policy starts over with what it knows at half its weight.
        older, policy = policy, Boltzmann(list(payoffs), policy.temperature * 0.8)
        for old, new in zip(older.arms, policy.arms):
            new.pulls, new.total = old.pulls // 2, old.total / 2
    for pull in range(400):
        index, share = policy.choose(rng)
        arm = policy.arms[index]
        value = float(world.random() < payoffs[arm.name])
        arm.reward(value)
        log.add((index, share, value))
    target = Boltzmann(list(payoffs), 0.1)
    for arm, known in zip(target.arms, policy.arms):
        arm.pulls, arm.total = known.pulls, known.total
    shares = target.shares()
    weights = [shares[index] / share for index, share, _ in log.kept]
    estimate = sum(w * value for w, (_, _, value) in zip(weights, log.kept)) / sum(weights)
    estimates.append(estimate)
    if block % 5 == 4:
        print(f"block {block} estimate {estimate:.6f}")
print("best", max(policy.arms, key=lambda arm: arm.mean).name, f"{max(estimates):.6f}")
