/// What is known of the loops that a run went through: built from its checkpoints and milestones.
///
/// Loops that left neither are unknown here. That is safe: a plan never mentions them, so a replay runs
/// them like any other statement.
public struct LoopHistory: Sendable {
    /// Activations outside every other loop, in program order.
    public let activations: [LoopActivation]
    /// Checkpoints in program order.
    public let checkpoints: [Checkpoint]
    private let places: [Int: Int]
    private let passings: [Passing]

    private struct Passing: Sendable {
        var order: OrderKey
        var elapsed: Double
    }

    public init(checkpoints: [Checkpoint], milestones: [Milestone]) {
        self.checkpoints = checkpoints.sorted { $0.order < $1.order }
        places = Dictionary(
            zip(self.checkpoints.map(\.number), self.checkpoints.indices),
            uniquingKeysWith: { first, _ in first })
        var passings: [Passing] = []
        var builder = LoopActivation.Builder()
        for milestone in milestones {
            passings.append(Passing(order: milestone.order, elapsed: milestone.elapsed))
            builder.add(milestone.kind, at: milestone.coordinate, order: milestone.order, checkpoint: nil)
        }
        for checkpoint in self.checkpoints {
            passings.append(Passing(order: checkpoint.order, elapsed: checkpoint.elapsed))
            builder.add(
                checkpoint.kind, at: checkpoint.coordinate, order: checkpoint.order, checkpoint: checkpoint)
        }
        self.passings = passings.sorted { ($0.order, $0.elapsed) < ($1.order, $1.elapsed) }
        activations = builder.finish()
    }

    /// The checkpoint with a number.
    public func checkpoint(_ number: Int) -> Checkpoint? { places[number].map { checkpoints[$0] } }

    /// Seconds from the program's start to the newest known moment not after `order`.
    public func elapsed(at order: OrderKey) -> Double {
        var low = 0
        var high = passings.count
        while low < high {
            let middle = (low + high) / 2
            if order < passings[middle].order { high = middle } else { low = middle + 1 }
        }
        return low == 0 ? 0 : passings[low - 1].elapsed
    }

    /// The activation outside all others in which most of the recorded time lies.
    public var mainActivation: LoopActivation? {
        activations.max { seconds(in: $0) < seconds(in: $1) }
    }

    /// Seconds from the program's start to its main loop; 0 where it has none.
    public var secondsToMainActivation: Double {
        mainActivation.map { elapsed(at: $0.order(at: 0)) } ?? 0
    }

    private func seconds(in activation: LoopActivation) -> Double {
        elapsed(at: activation.end) - elapsed(at: activation.order(at: 0))
    }

    /// The index of the last iteration of an activation, by the order components of the activation without
    /// an iteration's index: of the loop in which the run stopped, the last one known to have begun; nil where
    /// that is not known.
    public func lastIndex(ofActivation prefix: [Int]) -> Int? {
        var level = activations
        var depth = 1
        while true {
            guard depth <= prefix.count,
                let activation = level.first(where: { $0.prefix.last == prefix[depth - 1] })
            else { return nil }
            if depth == prefix.count {
                if let count = activation.count { return count - 1 }
                // Only the run's own end may have cut it short.
                let isCutShort = horizon?.components.starts(with: prefix) ?? false
                return isCutShort ? activation.iterations.last?.index : nil
            }
            guard let iteration = activation.iterations.first(where: { $0.index == prefix[depth] }) else {
                return nil
            }
            level = iteration.activations
            depth += 2
        }
    }

    /// The furthest known moment, or nil where no loop left a trace.
    public var horizon: OrderKey? { passings.last?.order }
    public var lastElapsed: Double { passings.last?.elapsed ?? 0 }
}

/// One activation of a loop statement: from its entry to its exit.
public struct LoopActivation: Sendable {
    /// The coordinate of the surrounding iteration.
    public let outer: Coordinate
    public let loop: LoopID
    public let occurrence: Int
    /// The order components of the activation, without an iteration's index.
    public let prefix: [Int]
    /// Iterations of which something is known, by index, ascending.
    public let iterations: [LoopIteration]
    /// How many iterations began; nil where the loop is not known to have ended.
    public let count: Int?
    public let exitCheckpoint: Checkpoint?

    public func order(at index: Int) -> OrderKey { OrderKey(prefix + [index]) }

    public func coordinate(at index: Int) -> Coordinate {
        outer + [LoopPosition(loop: loop, occurrence: occurrence, index: index)]
    }

    /// The order just after everything inside the activation and at or before everything after it.
    let end: OrderKey

    /// Whether `predicate` holds for this loop or any loop known to have run inside it.
    func contains(where predicate: (LoopID) -> Bool) -> Bool {
        predicate(loop)
            || iterations.contains { $0.activations.contains { $0.contains(where: predicate) } }
    }
}

/// What is known of one iteration.
public struct LoopIteration: Sendable {
    public let index: Int
    /// The checkpoint at the iteration's boundary.
    public let checkpoint: Checkpoint?
    /// Activations of other loops inside this iteration, in program order.
    public let activations: [LoopActivation]
}

extension LoopActivation {
    /// Puts events into a tree by their order keys: a boundary at depth d has 2d components.
    struct Builder {
        private final class Node {
            let coordinate: Coordinate
            let prefix: [Int]
            var boundaries: Set<Int> = []
            var checkpoints: [Int: Checkpoint] = [:]
            var children: [Int: Level] = [:]
            var count: Int?
            var exit: Checkpoint?
            var end: OrderKey?

            init(coordinate: Coordinate, prefix: [Int]) {
                self.coordinate = coordinate
                self.prefix = prefix
            }

            func finish() -> LoopActivation {
                let indices = boundaries.union(children.keys).sorted()
                let position = coordinate[coordinate.count - 1]
                return LoopActivation(
                    outer: Array(coordinate.dropLast()), loop: position.loop,
                    occurrence: position.occurrence, prefix: prefix,
                    iterations: indices.map { index in
                        LoopIteration(
                            index: index, checkpoint: checkpoints[index],
                            activations: children[index]?.finish() ?? [])
                    },
                    count: count, exitCheckpoint: exit, end: end ?? OrderKey(prefix + [Int.max]))
            }
        }

        private final class Level {
            var nodes: [Int: Node] = [:]

            func finish() -> [LoopActivation] {
                nodes.sorted { $0.key < $1.key }.map { $0.value.finish() }
            }
        }

        private let top = Level()

        mutating func add(
            _ kind: CheckpointKind, at coordinate: Coordinate, order: OrderKey, checkpoint: Checkpoint?
        ) {
            let key = order.components
            // A key that does not fit its coordinate tells nothing about where it stands.
            guard !coordinate.isEmpty, key.count == 2 * coordinate.count else { return }
            var level = top
            for depth in coordinate.indices {
                let event = key[2 * depth]
                let node: Node
                if let known = level.nodes[event] {
                    node = known
                } else {
                    node = Node(
                        coordinate: Array(coordinate[...depth]), prefix: Array(key[...(2 * depth)]))
                    level.nodes[event] = node
                }
                let index = coordinate[depth].index
                if depth < coordinate.count - 1 {
                    if let inner = node.children[index] {
                        level = inner
                    } else {
                        let inner = Level()
                        node.children[index] = inner
                        level = inner
                    }
                } else if kind == .exit {
                    node.count = index
                    // Not always the boundary's: something may happen before it is known that no item comes.
                    node.end = order
                    node.exit = checkpoint ?? node.exit
                } else {
                    node.boundaries.insert(index)
                    if let checkpoint { node.checkpoints[index] = checkpoint }
                }
            }
        }

        func finish() -> [LoopActivation] { top.finish() }
    }
}
