/// What the workers of replays may take of the machine.
public struct WorkerLimits: Hashable, Sendable {
    /// How many may share a long replay; nil: as many as there are processors for, and on larger machines one
    /// less. The first worker of a query never waits for others.
    public var workers: Int?
    /// Added to their niceness: from 0 to 19.
    public var niceness: Int
    /// Megabytes of private memory that each of their processes may ask for; nil: what the machine has. More is a
    /// `MemoryError` of the program's or the probe's.
    public var memory: Int?

    public static let usualNiceness = 10

    public init(workers: Int? = nil, niceness: Int = Self.usualNiceness, memory: Int? = nil) {
        self.workers = workers
        self.niceness = niceness
        self.memory = memory
    }
}
