import HindsightCore

/// A checkpoint as the runtime hands it over, without its bytes.
public struct NewCheckpoint: Sendable {
    public var number: Int
    public var kind: CheckpointKind
    public var coordinate: Coordinate
    public var order: OrderKey
    public var elapsed: Double
    public var layout: String
    /// The program's own log records before it.
    public var logs: Int
    /// Entropy records before it.
    public var entropy: Int
    public var lost: [String]
    public var reachableFrom: Int
    /// Seconds that its parts took inside the program, by part.
    public var cost: [String: Double]

    public init(
        number: Int, kind: CheckpointKind, coordinate: Coordinate, order: OrderKey, elapsed: Double,
        layout: String, logs: Int, entropy: Int, lost: [String] = [], reachableFrom: Int = 0,
        cost: [String: Double] = [:]
    ) {
        self.number = number
        self.kind = kind
        self.coordinate = coordinate
        self.order = order
        self.elapsed = elapsed
        self.layout = layout
        self.logs = logs
        self.entropy = entropy
        self.lost = lost
        self.reachableFrom = reachableFrom
        self.cost = cost
    }
}
