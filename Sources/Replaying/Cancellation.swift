import Synchronization

/// What can be ended from any thread.
protocol Killable: AnyObject, Sendable {
    /// Ends it, and everything it started, at once.
    func kill()
}

/// Ends a replay, or a part of one, from any thread.
final class Cancellation: Killable {
    private let state = Mutex(State())

    private struct State {
        var isCancelled = false
        var parts: [ObjectIdentifier: any Killable] = [:]
    }

    var isCancelled: Bool { state.withLock { $0.isCancelled } }

    /// Ends every worker and its whole process tree at once.
    func kill() {
        let parts = state.withLock { state in
            state.isCancelled = true
            return Array(state.parts.values)
        }
        for part in parts { part.kill() }
    }

    /// From now on `kill` ends this, too; does so at once where it came first.
    func add(_ part: any Killable) {
        let isCancelled = state.withLock { state in
            state.parts[ObjectIdentifier(part)] = part
            return state.isCancelled
        }
        if isCancelled { part.kill() }
    }

    func remove(_ part: any Killable) {
        state.withLock { _ = $0.parts.removeValue(forKey: ObjectIdentifier(part)) }
    }
}
