import HindsightCore
import PythonSource
import RunStore

/// What the server needs of the modules below it: one seam, so that tests can put something else there.
///
/// Functions that are not `async` block; the server calls them on threads of their own.
public protocol ProjectServices: Sendable {
    /// The project of a folder and where its store would be.
    func locate(from directory: String, store: String?) -> StoreLocation
    /// The store's runs; nil where nothing was recorded.
    func archive(at location: StoreLocation) throws -> (any RunArchive)?
}

/// The runs of one store, and what can be asked about them.
public protocol RunArchive: Sendable {
    /// Changes whenever something was recorded; cheap enough to ask every second.
    func stamp() -> String
    /// The newest run that loaded a file; nil for the newest of all.
    func newestRun(loading path: String?) throws -> Run?
    func run(_ id: RunID) throws -> Run
    func sources(of run: RunID) throws -> [RecordedSource]
    /// Log records from the given one on.
    func logRecords(of run: RunID, from: Int) throws -> [LogRecord]
    /// Where the recorded statements stand in edited sources, and which are new.
    func match(_ run: Run, recorded: [RecordedSource], edited: [SourceFile]) async throws -> SourceMatch
    /// What is named at a place in a text; lines count from 1, columns in bytes from 0.
    func expression(_ run: Run, in text: String, line: Int, column: Int) async throws -> SourceExpression?
    /// Seconds that a replay would take.
    func estimate(_ question: ReplayQuestion) throws -> Double
    /// Gets ready for questions about a run; returns at once.
    func prepare(for run: Run, limits: WorkerLimits)
    /// Answers a question; ending the iteration ends the replay.
    func replay(_ question: ReplayQuestion) -> AsyncStream<ReplayUpdate>
    /// A folder of the store for files that the user asked for.
    var exportDirectory: String { get }
}

/// Probes against a run.
public struct ReplayQuestion: Sendable {
    public var run: Run
    public var match: SourceMatch
    public var edited: [SourceFile]
    public var iterations: IterationSelection?
    /// Whether the user agreed to a replay without a full sandbox.
    public var allowsWeakSandbox: Bool
    /// How many values of each statement are kept; nil: as many as a replay keeps by itself.
    public var limit: Int?
    /// Whether a worker that stands ready may answer.
    public var mayUseStandingWorker: Bool
    public var limits: WorkerLimits

    public init(
        run: Run, match: SourceMatch, edited: [SourceFile], iterations: IterationSelection?,
        allowsWeakSandbox: Bool, limit: Int? = nil, mayUseStandingWorker: Bool = true,
        limits: WorkerLimits = WorkerLimits()
    ) {
        self.limit = limit
        self.run = run
        self.match = match
        self.edited = edited
        self.iterations = iterations
        self.allowsWeakSandbox = allowsWeakSandbox
        self.mayUseStandingWorker = mayUseStandingWorker
        self.limits = limits
    }
}

/// News of a replay.
public enum ReplayUpdate: Sendable {
    /// Work begins; seconds it will take.
    case began(seconds: Double)
    case hits([Hit])
    case verdicts([VerdictUpdate])
    /// Something for people: how far it is; the fraction is from 0 to 1.
    case progress(fraction: Double?, message: String)
    /// A probe raised an exception.
    case probeFailed(file: String, line: Int, message: String)
    case note(String)
    /// A statement gave more values than are kept: so many in all.
    case limited(file: String, line: Int, count: Int)
    /// The hits so far are withdrawn; the replay starts again in another way.
    case restarted
    /// Every hit is there; verdicts may still change.
    case complete
    /// All hits so far are replaced by these.
    case replaced([Hit])
    /// Every hit is there, with its last verdict.
    case finished
    /// What happened, and what to do next.
    case failed(String)
}
