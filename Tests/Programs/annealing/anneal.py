"""Simulated annealing of a spin glass in a `while` loop that may break, with reheating."""

import math
import random

from schedule import cooler, precision

SIZE = 36
random.seed(31)
bonds = {}
for i in range(SIZE):
    for j in range(SIZE):
        bonds[i, j] = random.choice((-1, 1)), random.choice((-1, 1))
spins = [[random.choice((-1, 1)) for _ in range(SIZE)] for _ in range(SIZE)]


def field(i, j):
    right, down = bonds[i, j]
    left, up = bonds[i, (j - 1) % SIZE][0], bonds[(i - 1) % SIZE, j][1]
    total = right * spins[i][(j + 1) % SIZE] + down * spins[(i + 1) % SIZE][j]
    return total + left * spins[i][(j - 1) % SIZE] + up * spins[(i - 1) % SIZE][j]


def energy():
    return -sum(spins[i][j] * field(i, j) for i in range(SIZE) for j in range(SIZE)) // 2


cool = cooler("3.0", "0.95")
temperature, rounds, reheated = 3.0, 0, 0
lowest = (energy(), 0)
print("start", lowest[0])
while temperature > 0.05:
    flips = 0
    for _ in range(SIZE * SIZE):
        i, j = random.randrange(SIZE), random.randrange(SIZE)
        cost = 2 * spins[i][j] * field(i, j)
        if cost <= 0 or random.random() < math.exp(-cost / temperature):
            spins[i][j] = -spins[i][j]
            flips += 1
    rounds += 1
    temperature = float(cool())
    lowest = min(lowest, (energy(), rounds))
    if rounds % 20 == 0:
        print(f"round {rounds} temperature {temperature:.8f} energy {energy()} flips {flips}")
    if flips == 0 and reheated == 2:
        break
    if flips < 8 and reheated < 2:
        cool.reheat("1.0")
        reheated += 1
        precision.set(precision.get() + 8)
else:
    print("cooled down")
print("lowest", lowest, "after", rounds, "rounds,", cool.calls, "coolings,", cool())
