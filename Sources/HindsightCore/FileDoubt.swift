/// A replay met a file, or something else outside the program, that is not what it was in the run: what it computes
/// from there on may be something else.
public struct FileDoubt: Hashable, Sendable {
    /// From here on.
    public var order: OrderKey
    /// The first place that it does not concern any more; nil: it concerns everything behind `order`.
    public var end: OrderKey?
    /// A sentence that names the file.
    public var reason: String
    /// Whether only a jump made it so: a replay that executes everything would not meet it.
    public var isJumped: Bool
    /// Whether it is over where the program's data are known to be those of the run.
    public var passes: Bool

    public init(order: OrderKey, end: OrderKey? = nil, reason: String, isJumped: Bool, passes: Bool = false) {
        self.order = order
        self.end = end
        self.reason = reason
        self.isJumped = isJumped
        self.passes = passes
    }

    /// Whether it concerns what happened at a place of the run.
    public func concerns(_ place: OrderKey) -> Bool {
        !(place < order) && (end.map { place < $0 } ?? true)
    }
}

extension [FileDoubt] {
    /// The sentences that concern a hit.
    public func about(_ hit: Hit) -> [String] {
        filter { $0.concerns(hit.order) }.map(\.reason).reduce(into: []) { told, reason in
            if !told.contains(reason) { told.append(reason) }
        }
    }

    /// The program's data are known to be those of the run here.
    public mutating func pass(_ place: OrderKey) {
        for number in indices where self[number].passes && self[number].end == nil {
            self[number].end = place
        }
    }
}
