/// Where on a loop a checkpoint was taken.
public enum CheckpointKind: String, Hashable, Sendable, Codable {
    /// Before iteration `index` of the innermost loop of the coordinate fetches its item or tests its condition.
    case boundary
    /// After the innermost loop of the coordinate ended by itself or by `break`; its `index` is the number of
    /// iterations that began.
    case exit
}

/// The program's data at a loop boundary (DESIGN: physical half of physiological recovery).
public struct Checkpoint: Hashable, Sendable {
    /// Unique within the run, from 0, in the order in which they were taken.
    public var number: Int
    public var kind: CheckpointKind
    public var coordinate: Coordinate
    public var order: OrderKey
    /// Seconds since the program's start.
    public var elapsed: Double
    /// Bytes of state, before deduplication.
    public var size: Int
    /// Access paths of state that could not be captured and may change: a replay that starts here is not
    /// trusted where this is not empty.
    public var lost: [String]
    /// The boundary of its loop at which a jump to it may be taken at the earliest: generators of the program
    /// have to be executed up to the `yield` at which they rested.
    public var reachableFrom: Int
    /// Whether its blobs are known to be damaged or missing.
    public var isDamaged: Bool

    public init(
        number: Int, kind: CheckpointKind, coordinate: Coordinate, order: OrderKey, elapsed: Double,
        size: Int, lost: [String], reachableFrom: Int = 0, isDamaged: Bool
    ) {
        self.number = number
        self.kind = kind
        self.coordinate = coordinate
        self.order = order
        self.elapsed = elapsed
        self.size = size
        self.lost = lost
        self.reachableFrom = reachableFrom
        self.isDamaged = isDamaged
    }
}

/// When the program passed a loop's boundary or exit: what a replay's cost is estimated from.
public struct Milestone: Hashable, Sendable {
    public var kind: CheckpointKind
    public var coordinate: Coordinate
    public var order: OrderKey
    /// Seconds since the program's start.
    public var elapsed: Double

    public init(kind: CheckpointKind, coordinate: Coordinate, order: OrderKey, elapsed: Double) {
        self.kind = kind
        self.coordinate = coordinate
        self.order = order
        self.elapsed = elapsed
    }
}
