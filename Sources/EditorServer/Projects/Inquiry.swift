import HindsightCore

/// One hindsight query and what is known of its answer.
final class Inquiry {
    enum Phase: Equatable {
        /// The user replays by hand and has not asked yet.
        case waiting
        case running
        case finished
        case failed(String)
        case cancelled
    }

    /// Where a probe stood in the sources that were asked about.
    struct Probe: Hashable {
        var file: String
        var line: Int
        /// Loops around it, outermost first.
        var loops: [LoopID]
    }

    let fingerprint: String
    var question: ReplayQuestion
    let probes: [Probe]
    var phase = Phase.waiting
    /// The user asked for some iterations only: no whole answer, and none to keep.
    var isNarrowed = false
    private(set) var series: [Int: Series] = [:]
    private(set) var failures: [Int: String] = [:]
    var estimate: Double?
    var progress: (fraction: Double?, message: String)?
    var task: Task<Void, Never>?
    var report: ProgressReport?
    private let numbers: [Place: Int]

    private struct Place: Hashable {
        var file: String
        var line: Int
    }

    init(fingerprint: String, question: ReplayQuestion, probes: [Probe]) {
        self.fingerprint = fingerprint
        self.question = question
        self.probes = probes
        // Two statements on one line are shown together.
        numbers = Dictionary(
            probes.enumerated().map { (Place(file: $1.file, line: $1.line), $0) },
            uniquingKeysWith: { a, _ in a })
    }

    var isRunning: Bool { phase == .running }

    func add(_ hits: [Hit]) {
        for (place, hits) in Dictionary(grouping: hits, by: { Place(file: $0.file, line: $0.line) }) {
            guard let number = numbers[place] else { continue }
            series[number, default: Series()].add(hits)
        }
    }

    func apply(_ changes: [VerdictChange]) {
        for change in changes {
            guard let number = numbers[Place(file: change.file, line: change.line)] else { continue }
            series[number]?.setVerdict(change.verdict, at: change.order)
        }
    }

    func fail(file: String, line: Int, message: String) {
        if let number = numbers[Place(file: file, line: line)] { failures[number] = message }
    }

    /// Before it is asked again.
    func clear() {
        series = [:]
        failures = [:]
        progress = nil
    }

    func stop() {
        task?.cancel()
        task = nil
    }
}
