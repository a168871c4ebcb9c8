/// The training program that the demo records: Python's standard library only, some seconds long.
enum DemoProgram {
    static let file = "train.py"

    /// What the demo types, and after which line.
    static let anchor = "        loss, gradient = loss_and_gradient(weights, batch)"
    static let indentation = "        "
    static let typed = #"print("gradient norm", math.hypot(*gradient))"#

    /// The part of the source that the demo shows begins here.
    static let shownFrom = "for epoch in range(EPOCHS):"

    static let source = #"""
        """Tell two interleaved half moons apart: a small neural network, written out by hand."""

        import math
        import random

        random.seed(11)

        HIDDEN = 24
        EPOCHS = 40
        BATCH = 100
        RATE = 0.003


        def half_moons(count):
            points = []
            for label in (0, 1):
                for _ in range(count // 2):
                    angle = random.uniform(0, math.pi)
                    x = math.cos(angle) if label == 0 else 1 - math.cos(angle)
                    y = math.sin(angle) if label == 0 else 0.5 - math.sin(angle)
                    points.append((x + random.gauss(0, 0.1), y + random.gauss(0, 0.1), label))
            return points


        def predict(weights, x, y):
            units = [math.tanh(a * x + b * y + c) for a, b, c, _ in weights]
            score = sum(unit * w[3] for unit, w in zip(units, weights))
            return units, 1 / (1 + math.exp(-score))


        def loss_and_gradient(weights, batch):
            loss, gradient = 0.0, [0.0] * (4 * len(weights))
            for x, y, label in batch:
                units, p = predict(weights, x, y)
                loss -= math.log(p if label else 1 - p)
                for i, (unit, w) in enumerate(zip(units, weights)):
                    back = (p - label) * w[3] * (1 - unit * unit)
                    for j, slope in enumerate((back * x, back * y, back, (p - label) * unit)):
                        gradient[4 * i + j] += slope / len(batch)
            return loss / len(batch), gradient


        def adam(weights, gradient, m, v, step):
            for k, g in enumerate(gradient):
                m[k] = 0.9 * m[k] + 0.1 * g
                v[k] = 0.999 * v[k] + 0.001 * g * g
                change = m[k] / (1 - 0.9**step) / (math.sqrt(v[k] / (1 - 0.999**step)) + 1e-8)
                weights[k // 4][k % 4] -= RATE * change


        train, test = half_moons(5000), half_moons(500)
        weights = [[random.gauss(0, 1) for _ in range(4)] for _ in range(HIDDEN)]
        m, v = [0.0] * (4 * HIDDEN), [0.0] * (4 * HIDDEN)
        step = 0

        for epoch in range(EPOCHS):
            random.shuffle(train)
            for start in range(0, len(train), BATCH):
                batch = train[start : start + BATCH]
                loss, gradient = loss_and_gradient(weights, batch)
                step += 1
                adam(weights, gradient, m, v, step)
            right = sum((predict(weights, x, y)[1] > 0.5) == bool(label) for x, y, label in test)
            print(f"epoch {epoch}: loss {loss:.4f}, accuracy {right / len(test):.3f}")

        """#
}
