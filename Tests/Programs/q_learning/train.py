"""Tabular Q-learning with replay in pure Python."""

import argparse
import random
from collections import defaultdict

from world import Action, Grid, Memory, Step

parser = argparse.ArgumentParser()
parser.add_argument("--episodes", type=int, default=900)
args = parser.parse_args()
random.seed(9)
ACTIONS = list(Action)


class Agent:
    def __init__(self, rate=0.2, discount=0.97):
        self.values = defaultdict(lambda: [0.0] * len(ACTIONS))
        self.rate, self.discount = rate, discount
        self._exploration = 1.0
        self.updates = 0

    @property
    def exploration(self):
        return max(self._exploration, 0.05)

    def act(self, state):
        if random.random() < self.exploration:
            return random.choice(ACTIONS)
        row = self.values[state]
        return ACTIONS[row.index(max(row))]

    def learn(self, step):
        row = self.values[step.state]
        future = 0.0 if step.done else max(self.values[step.following])
        index = ACTIONS.index(step.action)
        error = step.reward + self.discount * future - row[index]
        row[index] += self.rate * error
        self.updates += 1
        return error

    def cool(self):
        self._exploration *= 0.995


grid, agent = Grid(1), Agent()
memory = Memory(50, 200, random.Random(3))
returns = []
for episode in range(args.episodes):
    state, total, done, moves = grid.reset(), 0.0, False, 0
    while not done and moves < 100:
        action = agent.act(state)
        following, reward, done = grid.step(action)
        memory.add(Step(state, action, reward, following, done))
        for step in memory.draw(12):
            error = agent.learn(step)
        state, total, moves = following, total + reward, moves + 1
    agent.cool()
    returns.append(total)
    if episode % 150 == 149:
        print(f"episode {episode} mean return {sum(returns[-50:]) / 50:.6f}")
print("states", len(agent.values), "updates", agent.updates, "visits", sum(v[0] for v in grid.visits.values()))
