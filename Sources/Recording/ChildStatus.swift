import Foundation
import Synchronization

/// How the recorded command ended.
public enum CommandEnd: Hashable, Sendable {
    case exited(Int32)
    case signalled(Int32)

    /// From the status that `wait` reports.
    init(waitStatus: Int32) {
        let signal = waitStatus & 0x7F
        self = signal == 0 ? .exited((waitStatus >> 8) & 0xFF) : .signalled(signal)
    }

    /// As a reason for a run without an end of its own.
    var reason: String {
        switch self {
        case .exited(let code): "the process ended at once with status \(code)"
        case .signalled(SIGKILL): "killed by signal 9 (SIGKILL; out of memory, or by hand)"
        case .signalled(let number):
            "killed by signal \(number) (\(String(cString: strsignal(number))))"
        }
    }
}

/// The command's process and, once it is known, its end: connections that broke off ask for it.
final class ChildStatus: Sendable {
    private let state = Mutex<(pid: pid_t?, end: CommandEnd?)>((nil, nil))

    func started(_ pid: pid_t) { state.withLock { $0.pid = pid } }

    func ended(_ end: CommandEnd) { state.withLock { $0.end = end } }

    /// How a process ended whose connection broke off; nil where it is not the command itself, or where it
    /// lives on.
    func end(of pid: Int) -> CommandEnd? {
        guard state.withLock({ $0.pid.map(Int.init) == pid }) else { return nil }
        // The connection closes a moment before the process can be waited for.
        for _ in 0..<500 {
            if let end = state.withLock({ $0.end }) { return end }
            usleep(10_000)
        }
        return nil
    }
}
