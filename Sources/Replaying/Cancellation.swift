import Synchronization

/// Ends a replay from any thread.
final class Cancellation: Sendable {
    private let state = Mutex(State())

    private struct State {
        var isCancelled = false
        var workers: [ObjectIdentifier: any ReplayWorker] = [:]
    }

    var isCancelled: Bool { state.withLock { $0.isCancelled } }

    /// Ends every worker and its whole process tree at once.
    func cancel() {
        let workers = state.withLock { state in
            state.isCancelled = true
            return Array(state.workers.values)
        }
        for worker in workers { worker.kill() }
    }

    /// From now on `cancel` ends this worker; does so at once where it came first.
    func add(_ worker: any ReplayWorker) {
        let isCancelled = state.withLock { state in
            state.workers[ObjectIdentifier(worker)] = worker
            return state.isCancelled
        }
        if isCancelled { worker.kill() }
    }

    func remove(_ worker: any ReplayWorker) {
        state.withLock { _ = $0.workers.removeValue(forKey: ObjectIdentifier(worker)) }
    }
}
