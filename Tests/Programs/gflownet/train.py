"""A GFlowNet on a small grid, trained by flow matching on trajectories of its own."""

from collections import Counter, defaultdict

import torch
from torch import nn

SIDE = 6
STOP = 2
MOVES = [(1, 0), (0, 1)]


def reward(state):
    x, y = (abs(c / (SIDE - 1) - 0.5) for c in state)
    return 0.02 + 0.5 * (x > 0.25) * (y > 0.25) + 2.0 * (0.3 < x < 0.4) * (0.3 < y < 0.4)


def children(state):
    for action, (dx, dy) in enumerate(MOVES):
        child = (state[0] + dx, state[1] + dy)
        if max(child) < SIDE:
            yield action, child


def parents(state):
    for action, (dx, dy) in enumerate(MOVES):
        parent = (state[0] - dx, state[1] - dy)
        if min(parent) >= 0:
            yield action, parent


def encode(states):
    codes = torch.zeros(len(states), 2 * SIDE)
    for row, (x, y) in enumerate(states):
        codes[row, x] = 1.0
        codes[row, SIDE + y] = 1.0
    return codes


class FlowNet(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2 * SIDE, width), nn.LeakyReLU(), nn.Linear(width, 3))

    def forward(self, states):
        return self.layers(encode(states))


def sample_trajectory(net, generator):
    state, visited = (0, 0), [(0, 0)]
    while True:
        with torch.no_grad():
            logits = net([state])[0]
        allowed = [a for a, _ in children(state)] + [STOP]
        probabilities = torch.softmax(logits[allowed], 0)
        action = allowed[int(torch.multinomial(probabilities, 1, generator=generator))]
        if action == STOP:
            break
        state = dict(children(state))[action]
        visited.append(state)
        if len(visited) > 2 * SIDE:
            raise RuntimeError("a trajectory does not end")
    return visited


def flow_mismatch(net, state):
    terms = [(a, p) for a, p in parents(state)]
    out = net([state])[0]
    outgoing = torch.cat([out[[a for a, _ in children(state)]], torch.tensor([reward(state)]).log()])
    outflow = torch.logsumexp(outgoing, 0)
    if not terms:
        return torch.zeros(())
    inflow = torch.logsumexp(torch.stack([net([p])[0][a] for a, p in terms]), 0)
    return (inflow - outflow) ** 2


def train(updates=90, batch=4, seed=3):
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    net = FlowNet()
    optimizer = torch.optim.Adam(net.parameters(), lr=5e-3, betas=(0.9, 0.98))
    visits = Counter()
    history = defaultdict(list)
    update = 0
    while update < updates:
        states = []
        for _ in range(batch):
            trajectory = sample_trajectory(net, generator)
            visits.update(trajectory[-1:])
            states.extend(trajectory[1:])
        if not states:
            continue
        losses = {s: flow_mismatch(net, s) for s in states}
        loss = sum(losses.values()) / len(losses)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        for state, value in losses.items():
            history[state].append(value.item())
        update += 1
        if update % 30 == 0:
            print(f"update {update}: loss {loss.item():.4f}, {len(history)} states seen")
    return net, visits, history


net, visits, history = train()
print("most often:", visits.most_common(2))
