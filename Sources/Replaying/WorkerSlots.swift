import Synchronization

/// How many processors workers may keep busy. What somebody waits for starts whatever is busy; what only makes
/// a long replay shorter takes a place that is free.
final class WorkerSlots: Sendable {
    let processors: Int
    private let busy = Mutex(0)

    init(processors: Int) { self.processors = processors }

    /// For the first worker of a query.
    func take(_ threads: Int) { busy.withLock { $0 += threads } }

    /// For any other; false where too few processors are free.
    func takeFree(_ threads: Int) -> Bool {
        busy.withLock { busy in
            guard busy + threads <= processors else { return false }
            busy += threads
            return true
        }
    }

    func giveBack(_ threads: Int) { busy.withLock { $0 -= threads } }
}
