import HindsightCore
import PythonSource

/// The probes of edited sources against a run.
public struct HindsightQuery: Sendable {
    public var run: Run
    public var match: SourceMatch
    /// The edited texts that were matched; files not here are as recorded.
    public var edited: [SourceFile]
    public var iterations: IterationSelection?

    public init(
        run: Run, match: SourceMatch, edited: [SourceFile], iterations: IterationSelection? = nil
    ) {
        self.run = run
        self.match = match
        self.edited = edited
        self.iterations = iterations
    }
}
