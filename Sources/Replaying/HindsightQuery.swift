import HindsightCore
import PythonSource

/// The probes of edited sources against a run.
public struct HindsightQuery: Sendable {
    public var run: Run
    public var match: SourceMatch
    /// The edited texts that were matched; files not here are as recorded.
    public var edited: [SourceFile]
    public var iterations: IterationSelection?
    /// How many hits of each statement are given; all are counted.
    public var limit: Int

    /// Enough for any eye, and no burden for an editor.
    public static let usualLimit = 100_000
    /// Whether a worker that stands ready may answer.
    public var mayUseStandingWorker: Bool

    public init(
        run: Run, match: SourceMatch, edited: [SourceFile], iterations: IterationSelection? = nil,
        limit: Int = Self.usualLimit, mayUseStandingWorker: Bool = true
    ) {
        self.run = run
        self.match = match
        self.edited = edited
        self.iterations = iterations
        self.limit = limit
        self.mayUseStandingWorker = mayUseStandingWorker
    }
}
