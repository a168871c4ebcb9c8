import Synchronization

/// How many workers are busy. What somebody waits for starts whatever is busy; what only makes a long replay
/// shorter takes a place that is free.
final class WorkerSlots: Sendable {
    private let busy = Mutex(0)

    /// For what somebody waits for: the first worker of a query, and one that checks its values.
    func take() { busy.withLock { $0 += 1 } }

    /// For any other; false where so many are busy already.
    func takeFree(of count: Int) -> Bool {
        busy.withLock { busy in
            guard busy < count else { return false }
            busy += 1
            return true
        }
    }

    func giveBack() { busy.withLock { $0 -= 1 } }
}
