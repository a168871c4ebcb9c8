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

    struct Task {
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

/// Behind the last checkpoint nothing recorded shows what probes do to the program's data, and where they are
/// executed too often, they cannot be watched one by one. There the data at a later place are compared with those
/// of a replay that is the same but for the probes.
extension QueryReplay {
    /// A pass whose probes are held against a replay without them, where that is needed; nil where the query was
    /// cancelled.
    func controlledPass(
        _ plan: Plan, isFirst: Bool, executedFrom: OrderKey? = nil
    ) throws -> ReplayPass? {
        if let reference = references[plan.jumps] {
            return try pass(
                plan, isFirst: isFirst, executedFrom: executedFrom,
                control: ControlFile.Task(file: reference, use: .check))
        }
        guard !asked.match.groups.isEmpty, let file = ControlFile() else {
            return try pass(plan, isFirst: isFirst, executedFrom: executedFrom)
        }
        guard
            var main = try pass(
                plan, isFirst: isFirst, executedFrom: executedFrom,
                control: ControlFile.Task(file: file, use: .save))
        else { return nil }
        guard main.evidence.awaitsControl, main.hasKeptData else { return main }
        guard let shown = try control(main.plan, file) else { return cancellation.isCancelled ? nil : main }
        guard let difference = shown.difference else {
            main.observeControl(shown.order, difference: nil)
            return main
        }
        // It has put its own data there. Do they come out the same again, and those with the probes not?
        guard let again = try control(main.plan, file) else { return cancellation.isCancelled ? nil : main }
        guard again.difference == nil else {
            note("the program's data are others in each replay: \(difference)")
            return main
        }
        references[main.plan.jumps] = file
        guard
            let repeated = try pass(
                main.plan, isFirst: false, control: ControlFile.Task(file: file, use: .check))
        else { return nil }
        if let found = repeated.control?.difference { main.observeControl(shown.order, difference: found) }
        return main
    }

    /// What a pass without probes shows; nil where it shows nothing.
    private func control(
        _ plan: Plan, _ file: ControlFile
    ) throws -> (order: OrderKey, difference: String?)? {
        let groups = query.match.groups
        restrict(to: [])
        defer { restrict(to: groups) }
        let task = ControlFile.Task(file: file, use: .replace)
        guard let pass = try pass(plan, isFirst: false, control: task), pass.plan.jumps == plan.jumps,
            pass.evidence.firstContradiction == nil
        else { return nil }
        return pass.control
    }
}
