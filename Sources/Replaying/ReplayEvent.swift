import HindsightCore

/// What a replay tells while it runs.
public enum ReplayEvent: Sendable {
    case planned(Plan)
    /// New hits, in program order within the batch.
    case hits([Hit])
    /// Hits given before have another verdict now.
    case verdicts([VerdictUpdate])
    case progress(ReplayProgress)
    /// A sentence that the user should see; the replay goes on.
    case note(String)
    /// A probe raised for the first time; the replayed program goes on without it.
    case probeFailed(file: String, line: Int, message: String)
    /// There were more hits of a statement than are given: so many in all.
    case limited(file: String, line: Int, count: Int)
    /// The hits given so far are withdrawn: the replay starts again on another plan.
    case restarted
    /// Every hit is there; from now on only verdicts change, as a rule.
    case complete
    /// All hits given so far are replaced by these: they turned out to be others.
    case replaced([Hit])
    /// All hits are there, and their verdicts are final.
    case finished
    /// The replay ended without an answer.
    case failed(ReplayFailure)
}

/// How far a replay is.
public struct ReplayProgress: Hashable, Sendable {
    public enum Phase: Hashable, Sendable {
        /// The interpreter starts and the program imports what it needs.
        case starting
        /// Hits are being produced.
        case replaying
        /// Hits are there; part of the run is executed again to be sure of them.
        case checking
    }

    public var phase: Phase
    /// From 0 to 1, by recorded time.
    public var fraction: Double
    /// By recorded time; what restoring and starting take is in it.
    public var secondsLeft: Double
    /// Where the program is.
    public var coordinate: Coordinate
    /// How many iterations the outermost loop there has, where the run noted it.
    public var iterations: Int?
}

/// Why a replay ended without an answer.
public struct ReplayFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// Sentences for people: what happened, and what to do next.
    public var description: String
    /// The last lines that the program wrote to its standard error.
    public var output: [String]

    public init(_ description: String, output: [String] = []) {
        self.description = description
        self.output = output
    }
}
