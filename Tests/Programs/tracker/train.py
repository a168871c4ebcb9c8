"""A swarm that optimises: objects with cycles, weak references, caches, counters and iterators of their own."""

import functools
import logging
import math

from objects import Particle, Swarm, counted, force

log = logging.getLogger("swarm")
swarm = Swarm(24, seed=5)
best = {"value": math.inf, "name": None}
shrink = functools.partial(min, 1.0)


@counted
def value(position):
    return sum(x * x - math.cos(3 * x) for x in position)


def make_mover(rate):
    moved = 0

    def move(particle, goal):
        nonlocal moved, rate
        pull = force(round(math.dist(particle.position, goal), 1))
        for i, target in enumerate(goal):
            noise = swarm.rng.gauss(0, 0.05)
            particle.position[i] += shrink(rate * pull) * (target - particle.position[i]) + noise
        moved += 1
        if moved % 500 == 0:
            rate *= 0.9
        return moved

    return move


move = make_mover(0.2)
goal = (2.0, 2.0, 2.0)
for epoch in range(40):
    for name, particle in list(swarm.members.items()):
        move(particle, goal)
        score = value(particle.position)
        particle.trail.append(score)
        if score < best["value"]:
            best.update(value=score, name=name)
            goal = tuple(particle.position)
            swarm.events["improved"] += 1
    worst = max(swarm.members.values(), key=lambda p: p.trail[-1])
    if epoch % 4 == 3:
        swarm.remove(worst.name)
        child = swarm.add(goal)
        child.trail.extend(worst.trail)
        worst = particle = None
        log.setLevel(logging.INFO if epoch > 20 else logging.WARNING)
    if epoch % 8 == 7:
        print(f"epoch {epoch} best {best['value']:.8f} alive {Particle.alive} index {len(swarm.index)}")
print(dict(swarm.events), value.calls, force.cache_info().hits, next(swarm.names))
