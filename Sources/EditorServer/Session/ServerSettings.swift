import HindsightCore
import LanguageServerProtocol

/// What the user can set, as `hindsight.*` in the editor's settings or in `initializationOptions`.
struct ServerSettings: Equatable {
    enum Replay: String { case automatic, manual }
    enum StandingWorker: String { case never, firstQuery, onOpen }
    enum DiagnosticLevel: String { case automatic, hint, information, off }

    /// Whether probes are replayed as they are typed, or only when asked for.
    var replay = Replay.automatic
    /// When a worker is started that stands ready at the main loop of a run, so that values come at once.
    var standingWorker = StandingWorker.onOpen
    /// How the values are published as diagnostics; warnings always are.
    var diagnostics = DiagnosticLevel.automatic
    /// A store other than the project's own.
    var store: String?
    /// Agreement to a replay where the system has no full sandbox.
    var allowWeakSandbox = false
    /// The iterations to replay (`epoch=30..40,step=0`); nil: all.
    var iterations: String?
    /// Whether hovering over a name replays its history, without a word.
    var hoverReplays = false
    /// What replays may take of the machine.
    var limits = WorkerLimits()
    /// How many values of one statement are kept; nil: as many as a replay keeps by itself.
    var limit: Int?

    /// Takes over what is given; `report` gets a sentence about each value that cannot be used.
    mutating func update(from value: JSONValue?, report: (String) -> Void) {
        guard let members = value?.objectValue else { return }
        if let section = members["hindsight"] { update(from: section, report: report) }
        for (key, value) in members {
            let name = key.hasPrefix("hindsight.") ? String(key.dropFirst("hindsight.".count)) : key
            switch (name, value) {
            case ("replay", .string(let text)):
                if let choice = Replay(rawValue: text) {
                    replay = choice
                } else {
                    unknown(name, text, report)
                }
            case ("standingWorker", .string(let text)):
                if let choice = StandingWorker(rawValue: text) {
                    standingWorker = choice
                } else {
                    unknown(name, text, report)
                }
            case ("diagnostics", .string(let text)):
                if let choice = DiagnosticLevel(rawValue: text) {
                    diagnostics = choice
                } else {
                    unknown(name, text, report)
                }
            case ("store", .string(let path)): store = path.isEmpty ? nil : path
            case ("store", .null): store = nil
            case ("allowWeakSandbox", .bool(let flag)): allowWeakSandbox = flag
            case ("iterations", .string(let text)): iterations = text.isEmpty ? nil : text
            case ("iterations", .null): iterations = nil
            case ("hover.replay", .bool(let flag)): hoverReplays = flag
            case ("limit", .integer(let count)) where count > 0: limit = count
            case ("limit", .null): limit = nil
            case ("workers", .integer(let count)) where count > 0: limits.workers = count
            case ("workers", .null): limits.workers = nil
            case ("niceness", .integer(let niceness)) where (0...19).contains(niceness):
                limits.niceness = niceness
            case ("memory", .integer(let megabytes)) where megabytes > 0: limits.memory = megabytes
            case ("memory", .null): limits.memory = nil
            case ("hover", .object(let members)):
                for (member, value) in members {
                    update(from: .object(["hover.\(member)": value]), report: report)
                }
            case ("hover.replay", _), ("limit", _), ("replay", _), ("diagnostics", _), ("store", _),
                ("allowWeakSandbox", _), ("iterations", _), ("standingWorker", _), ("workers", _),
                ("niceness", _), ("memory", _):
                if value != .null { report("The setting hindsight.\(name) has a value of the wrong kind.") }
            default: break
            }
        }
    }

    private func unknown(_ name: String, _ text: String, _ report: (String) -> Void) {
        report("The setting hindsight.\(name) cannot be \"\(text)\"; it stays as it was.")
    }
}
