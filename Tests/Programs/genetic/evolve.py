"""A genetic algorithm with tournaments, elitism and a hall of fame."""

import genome as g
from genome import CITIES, Genome, HallOfFame, cross, mutate, rng

SIZE, GENERATIONS = 80, 150


def tournament(population, size=4):
    return min(rng.sample(population, size))


population = [Genome(rng.sample(range(len(CITIES)), len(CITIES))) for _ in range(SIZE)]
fame = HallOfFame(10)
stalled = 0
lengths = []
for generation in range(GENERATIONS):
    elite = sorted(population)[:4]
    children = []
    while len(children) < SIZE - len(elite):
        child = cross(tournament(population), tournament(population))
        if rng.random() < 0.4:
            child = mutate(child)
        children.append(child)
    population = elite + children
    best = min(population)
    fresh = sum(fame.offer(genome) for genome in population)
    stalled = 0 if not lengths or best.length < lengths[-1] else stalled + 1
    lengths.append(best.length)
    if generation % 25 == 0:
        print(f"generation {generation} best {best.length:.6f} new {fresh}")
    if stalled == 12:
        # Catastrophe: only the best survives.
        population = [best] + [mutate(best) for _ in range(SIZE - 1)]
        stalled = 0
print(f"tour {min(lengths):.6f} hall {[round(-length, 4) for length, _, _ in sorted(fame.heap)[-3:]]}")
print("distances computed", g.distance.cache_info().misses)
