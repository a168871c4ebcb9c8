import HindsightCore
import PythonSource

/// A probe whatever its line is now: the group that is answered with it, and its number there.
struct ProbeName: Hashable {
    var group: String
    var number: Int
}

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

    let question: ReplayQuestion
    /// The groups of probes that it answers.
    let groups: Set<String>
    /// The recorded loops around its probes, outermost first.
    let loops: [[LoopID]]
    var phase = Phase.waiting
    /// The user asked for some iterations only: no whole answer, and none to keep.
    let isNarrowed: Bool
    /// Whether every value is there; verdicts may still change.
    var isWhole = false
    private(set) var series: [ProbeName: Series] = [:]
    private(set) var failures: [ProbeName: String] = [:]
    /// How many values there were, where not all are kept.
    private(set) var counts: [ProbeName: Int] = [:]
    var estimate: Double?
    var progress: (fraction: Double?, message: String)?
    var task: Task<Void, Never>?
    var report: ProgressReport?
    private let names: [Place: ProbeName]

    private struct Place: Hashable {
        var file: String
        var line: Int
    }

    init(question: ReplayQuestion, isNarrowed: Bool = false) {
        self.question = question
        self.isNarrowed = isNarrowed
        let match = question.match
        groups = Set(match.answerGroups.map(\.key))
        loops = match.files.flatMap { $0.probes.map(\.loops) }
        let byID = match.probeNames
        // Two statements on one line are shown together.
        names = Dictionary(
            match.files.flatMap { file in
                file.probes.compactMap { probe in
                    byID[probe.id].map { (Place(file: file.path, line: probe.line), $0) }
                }
            }, uniquingKeysWith: { first, _ in first })
    }

    var isRunning: Bool { phase == .running }

    func add(_ hits: [Hit]) {
        for (place, hits) in Dictionary(grouping: hits, by: { Place(file: $0.file, line: $0.line) }) {
            guard let name = names[place] else { continue }
            series[name, default: Series()].add(hits)
        }
    }

    func replace(with hits: [Hit]) {
        series = [:]
        add(hits)
    }

    func apply(_ changes: [VerdictUpdate]) {
        for change in changes {
            guard let name = names[Place(file: change.file, line: change.line)] else { continue }
            series[name]?.setVerdict(change.verdict, at: change.order)
        }
    }

    func fail(file: String, line: Int, message: String) {
        if let name = names[Place(file: file, line: line)] { failures[name] = message }
    }

    func limit(file: String, line: Int, count: Int) {
        if let name = names[Place(file: file, line: line)] { counts[name] = count }
    }

    /// Before it is asked again.
    func clear() {
        series = [:]
        failures = [:]
        counts = [:]
        progress = nil
        isWhole = false
    }

    func stop() {
        task?.cancel()
        task = nil
    }
}

extension SourceMatch {
    /// The groups of its probes; where nothing is known of groups, one for all.
    var answerGroups: [Group] {
        guard groups.isEmpty else { return groups }
        let probes = files.flatMap { $0.probes.map(\.id) }
        return probes.isEmpty
            ? [] : [Group(key: fingerprint, probes: probes, execute: execute, continuous: continuous)]
    }

    /// The probes' names by their ids.
    var probeNames: [String: ProbeName] {
        var groupOfProbe: [String: String] = [:]
        for group in answerGroups {
            for probe in group.probes { groupOfProbe[probe] = group.key }
        }
        var names: [String: ProbeName] = [:]
        var counts: [String: Int] = [:]
        for file in files.sorted(by: { $0.path < $1.path }) {
            for probe in file.probes.sorted(by: { ($0.line, $0.column) < ($1.line, $1.column) }) {
                guard let group = groupOfProbe[probe.id] else { continue }
                names[probe.id] = ProbeName(group: group, number: counts[group, default: 0])
                counts[group, default: 0] += 1
            }
        }
        return names
    }
}
