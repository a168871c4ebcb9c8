import struct Foundation.Date

/// The name of a run: lowercase hexadecimal; commands accept any unambiguous prefix.
public struct RunID: Hashable, Sendable, Codable, CustomStringConvertible {
    public var description: String

    public init(_ description: String) { self.description = description }

    public init(from decoder: any Decoder) throws {
        description = try decoder.singleValueContainer().decode(String.self)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// How a run ended, or that it has not.
public enum RunStatus: Hashable, Sendable {
    case running
    /// The program returned or called `exit`.
    case finished(exitCode: Int)
    /// An exception left the main script; the text is its last line.
    case raised(exception: String)
    /// `KeyboardInterrupt`, a signal, or a process that vanished.
    case interrupted(String)
}

/// One recorded execution of a program.
public struct Run: Hashable, Sendable {
    public var id: RunID
    /// What the user called it, if anything.
    public var name: String?
    /// The main script relative to the root.
    public var program: String
    /// The module's name where the program was started with `-m`.
    public var module: String?
    /// As the interpreter saw it (`sys.orig_argv`), interpreter first.
    public var command: [String]
    /// `sys.executable`, not resolved further: a virtual environment would be lost.
    public var interpreter: String
    public var workingDirectory: String
    public var root: String
    public var environment: [String: String]
    public var fingerprint: Fingerprint
    public var started: Date
    /// Seconds from start to end, or to the newest message of a run in progress.
    public var duration: Double
    /// Seconds spent by the recorder inside the program.
    public var overhead: Double
    public var status: RunStatus

    public init(
        id: RunID, name: String?, program: String, module: String?, command: [String], interpreter: String,
        workingDirectory: String, root: String, environment: [String: String], fingerprint: Fingerprint,
        started: Date, duration: Double, overhead: Double, status: RunStatus
    ) {
        self.id = id
        self.name = name
        self.program = program
        self.module = module
        self.command = command
        self.interpreter = interpreter
        self.workingDirectory = workingDirectory
        self.root = root
        self.environment = environment
        self.fingerprint = fingerprint
        self.started = started
        self.duration = duration
        self.overhead = overhead
        self.status = status
    }

    /// How many processes trained together, of which this is one: launchers of `torch.distributed` tell each.
    public var processCount: Int {
        guard environment["RANK"] != nil, let text = environment["WORLD_SIZE"] else { return 1 }
        return Int(text) ?? 1
    }
}

/// One source file as the run loaded it.
public struct RecordedSource: Hashable, Sendable {
    /// Relative to the root.
    public var path: String
    /// The module's name; `__main__` for the main script.
    public var module: String
    public var text: String
    public var loops: [RecordedLoop]

    public init(path: String, module: String, text: String, loops: [RecordedLoop]) {
        self.path = path
        self.module = module
        self.text = text
        self.loops = loops
    }
}

/// A loop statement of a recorded source.
public struct RecordedLoop: Hashable, Sendable, Codable {
    public var id: LoopID
    public var line: Int
    public var endLine: Int
    /// Source text of the target, or of the condition of a `while`.
    public var target: String

    public init(id: LoopID, line: Int, endLine: Int, target: String) {
        self.id = id
        self.line = line
        self.endLine = endLine
        self.target = target
    }
}

/// One execution of a log statement of the recorded program itself. It is shown to the user and is evidence
/// for replays.
public struct LogRecord: Hashable, Sendable {
    /// The log statement: `path:line:column` in the recorded source.
    public var site: String
    public var text: String
    public var name: String?
    public var value: Scalar
    public var iterations: [Iteration]
    public var order: OrderKey

    public init(
        site: String, text: String, name: String?, value: Scalar, iterations: [Iteration], order: OrderKey
    ) {
        self.site = site
        self.text = text
        self.name = name
        self.value = value
        self.iterations = iterations
        self.order = order
    }
}
