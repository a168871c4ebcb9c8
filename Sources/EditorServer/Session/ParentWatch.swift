import Foundation

/// Watches the process that started the editor side of the connection: when it is gone, nobody reads any more.
final class ParentWatch: Sendable {
    /// Calls `onDeath` once, on a thread of its own.
    init(processID: Int, onDeath: @escaping @Sendable () -> Void) {
        guard processID > 0, let id = pid_t(exactly: processID) else { return }
        let thread = Thread {
            while kill(id, 0) == 0 || errno != ESRCH { usleep(500_000) }
            onDeath()
        }
        thread.name = "parent watch"
        thread.stackSize = 256 << 10
        thread.start()
    }
}
