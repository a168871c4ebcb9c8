/// Answers of different probes that came from different passes, to be put into one order.
///
/// Hits between the same two events of the run (a *slot*) are numbered within one pass only. Those of several
/// passes can be told apart just where each probe is a statement of the same block and was executed once.
public struct SeparateAnswers: Sendable {
    /// What one group of probes gave.
    public struct Part: Sendable {
        /// The number of the pass that gave it.
        public var pass: Int
        /// The block in which the only probe stands as a statement of its own; nil where it does not.
        public var block: String?
        /// In the run's order.
        public var hits: [Hit]

        public init(pass: Int, block: String?, hits: [Hit]) {
            self.pass = pass
            self.block = block
            self.hits = hits
        }
    }

    private struct Place {
        var part: Int
        var hit: Int
    }

    private let parts: [Part]

    /// - Parameter parts: In the order of the text, where they stand in one block.
    public init(_ parts: [Part]) { self.parts = parts }

    /// Whether there is an order of which one can be sure.
    public var canBeTold: Bool { slots.values.allSatisfy { !isShared($0) || canBeTold($0) } }

    /// All hits in the run's order, with order keys to match; nil where the order cannot be told.
    public var merged: [Hit]? {
        var result: [Hit] = []
        for places in slots.values {
            let isShared = isShared(places)
            if isShared, !canBeTold(places) { return nil }
            for (rank, place) in places.enumerated() {
                var hit = parts[place.part].hits[place.hit]
                if isShared { hit.order.components[hit.order.components.count - 1] = rank }
                result.append(hit)
            }
        }
        return result.sorted { $0.order < $1.order }
    }

    private var slots: [ArraySlice<Int>: [Place]] {
        var slots: [ArraySlice<Int>: [Place]] = [:]
        for (number, part) in parts.enumerated() {
            for (index, hit) in part.hits.enumerated() {
                slots[hit.order.components.dropLast(), default: []].append(Place(part: number, hit: index))
            }
        }
        return slots
    }

    private func isShared(_ places: [Place]) -> Bool {
        places.contains { parts[$0.part].pass != parts[places[0].part].pass }
    }

    private func canBeTold(_ places: [Place]) -> Bool {
        guard let block = parts[places[0].part].block else { return false }
        return Set(places.map(\.part)).count == places.count
            && places.allSatisfy { parts[$0.part].block == block }
    }
}
