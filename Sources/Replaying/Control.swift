import Foundation
import HindsightCore

/// The program's data at one place of a replay, for workers of one query to compare theirs with.
///
/// It has no name: what workers write into their view of the file system is seen by nobody else.
final class ControlFile: Sendable {
    /// What a worker does with it.
    enum Use: String, Encodable, Sendable {
        /// Keeps the data behind probes that it could not watch.
        case save
        /// Compares its data, puts others in their place, and ends.
        case replace
        /// Compares its data, and goes on.
        case check
    }

    struct Task: Sendable {
        var file: ControlFile
        var use: Use
    }

    let descriptor: Int32

    /// nil where there is no room for one.
    init?() {
        let path = "/var/tmp/hindsight-control-\(UUID().uuidString)"
        descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return nil }
        unlink(path)
    }

    deinit { if descriptor >= 0 { close(descriptor) } }
}

extension ControlFile.Task {
    /// For a pass over these probes; nil where a replay without them cannot be asked for.
    init?(saving query: HindsightQuery) {
        guard !query.match.groups.isEmpty, let file = ControlFile() else { return nil }
        self.init(file: file, use: .save)
    }
}

/// The end of a pass where probes were executed that nobody watched: its hits wait for a replay without them.
struct OpenEnd: Sendable {
    /// What led there.
    let plan: Plan
    let file: ControlFile
    private var evidence: Evidence
    /// By the number in the pass, that of the finding.
    private var places: [Int: Int]

    /// nil where there is none, or nothing to compare.
    init?(of pass: ReplayPass) {
        // What another worker answers for, it settles.
        let own = pass.evidence.withheldHits.filter { $0 < pass.insideCountOrAll }
        guard pass.evidence.awaitsControl, pass.hasKeptData, !own.isEmpty, let task = pass.control else {
            return nil
        }
        plan = pass.plan
        file = task.file
        evidence = pass.evidence
        places = Dictionary(uniqueKeysWithValues: own.map { ($0, $0) })
    }

    /// For findings that have other numbers now; nil: that one is gone.
    func moved(to place: (Int) -> Int?) -> OpenEnd {
        var moved = self
        moved.places = places.compactMapValues(place)
        return moved
    }

    func moved(by count: Int) -> OpenEnd { moved { $0 + count } }

    /// Settles findings by what a replay without the probes has shown.
    func settle(_ result: inout PassResult, at order: OrderKey, difference: String?) {
        var evidence = evidence
        for settled in evidence.observeControl(order, difference) {
            guard let place = places[settled.hit], result.findings.indices.contains(place) else { continue }
            result.findings[place].standing = settled.standing
        }
        result.contradiction = result.contradiction ?? evidence.contradiction
        result.firstContradiction = result.firstContradiction ?? evidence.firstContradiction
    }
}

/// Behind the last checkpoint nothing recorded shows what probes do to the program's data, and where they are
/// executed too often, they cannot be watched one by one. There the data at a later place are compared with those
/// of a replay that is the same but for the probes.
extension QueryReplay {
    /// What to compare a pass with that follows such a plan.
    func reference(for plan: Plan) -> ControlFile.Task? {
        references[plan.jumps].map { ControlFile.Task(file: $0, use: .check) }
    }

    /// A pass whose probes have been held against replays without them, where that is needed; nil where the query
    /// was cancelled.
    func controlled(_ result: PassResult) throws -> PassResult? {
        var result = result
        for end in result.openEnds { try control(&result, at: end) }
        return cancellation.isCancelled ? nil : result
    }

    private func control(_ result: inout PassResult, at end: OpenEnd) throws {
        guard let shown = try compareAlone(end) else { return }
        guard let difference = shown.difference else {
            return end.settle(&result, at: shown.order, difference: nil)
        }
        // It has put its own data there. Do they come out the same again, and those with the probes not?
        guard let again = try compareAlone(end) else { return }
        guard again.difference == nil else {
            return note("the program's data are others in each replay: \(difference)")
        }
        references[end.plan.jumps] = end.file
        let repeated = try pass(end.plan, isTold: false, control: reference(for: end.plan)) {
            try self.planner.fullPlan(stop: end.plan.stop)
        }
        if let repeated, repeated.plan.jumps == end.plan.jumps, let found = repeated.control?.difference {
            end.settle(&result, at: shown.order, difference: found)
        }
    }

    /// What a replay without probes shows; nil where it shows nothing.
    private func compareAlone(_ end: OpenEnd) throws -> (order: OrderKey, difference: String?)? {
        let groups = query.match.groups
        restrict(to: [])
        defer { restrict(to: groups) }
        let task = ControlFile.Task(file: end.file, use: .replace)
        let pass = try pass(end.plan, isTold: false, control: task) {
            try self.planner.fullPlan(stop: end.plan.stop)
        }
        guard let pass, pass.plan.jumps == end.plan.jumps, pass.firstContradiction == nil else { return nil }
        return pass.control
    }
}
