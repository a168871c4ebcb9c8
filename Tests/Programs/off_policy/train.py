"""Policy gradient in a corridor, with a replay buffer and importance weights. No gym needed."""

import random
from collections import deque, namedtuple
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn
from torch.distributions import Categorical

Transition = namedtuple("Transition", "state action reward logp")


@dataclass
class Episode:
    transitions: list = field(default_factory=list)

    @property
    def gain(self):
        return sum(0.97**t * x.reward for t, x in enumerate(self.transitions))


class Corridor:
    """Walk to the right end; a wind blows back now and then."""

    def __init__(self, length, seed):
        self.length = length
        self.rng = np.random.default_rng(seed)
        self.position = 0

    def reset(self):
        self.position = self.length // 2
        return self.position

    def step(self, action):
        move = 1 if action == 1 else -1
        if self.rng.random() < 0.15:
            move = -move
        self.position = max(0, min(self.length - 1, self.position + move))
        done = self.position in (0, self.length - 1)
        return self.position, (1.0 if self.position == self.length - 1 else -0.02), done


class Policy(nn.Module):
    def __init__(self, length):
        super().__init__()
        self.table = nn.Embedding(length, 8)
        self.head = nn.Linear(8, 2)

    def forward(self, states):
        return Categorical(logits=self.head(torch.tanh(self.table(states))))


def rollout(env, policy, limit=40):
    episode = Episode()
    state = env.reset()
    for _ in range(limit):
        with torch.no_grad():
            distribution = policy(torch.tensor(state))
            action = distribution.sample()
        following, reward, done = env.step(action.item())
        episode.transitions.append(
            Transition(state, action.item(), reward, distribution.log_prob(action).item())
        )
        state = following
        if done:
            break
    else:
        episode.transitions[-1] = episode.transitions[-1]._replace(reward=-1.0)
    return episode


def log_ratio(policy, episode):
    states = torch.tensor([t.state for t in episode.transitions])
    actions = torch.tensor([t.action for t in episode.transitions])
    behaviour = torch.tensor([t.logp for t in episode.transitions])
    logp = policy(states).log_prob(actions)
    return logp.sum(), (logp.detach() - behaviour).sum()


random.seed(0)
torch.manual_seed(0)
env = Corridor(9, seed=4)
policy = Policy(9)
optimizer = torch.optim.Adam(policy.parameters(), lr=0.02)
buffer = deque(maxlen=40)
baseline = 0.0

for iteration in range(60):
    for _ in range(4):
        buffer.append(rollout(env, policy))
    replayed = random.sample(list(buffer), min(12, len(buffer)))
    terms, weights = [], []
    for episode in replayed:
        logp, ratio = log_ratio(policy, episode)
        weight = ratio.clamp(-5, 5).exp()
        weights.append(weight)
        terms.append(-weight * logp * (episode.gain - baseline))
    w = torch.stack(weights)
    optimizer.zero_grad()
    (torch.stack(terms).sum() / w.sum()).backward()
    optimizer.step()
    gain = float(np.mean([e.gain for e in list(buffer)[-4:]]))
    baseline += 0.1 * (gain - baseline)
    if iteration % 15 == 0:
        print(f"iteration {iteration}: gain {gain:.3f}")

print("baseline", round(baseline, 5))
