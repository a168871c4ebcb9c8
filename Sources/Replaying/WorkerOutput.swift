import Foundation
import Synchronization

/// The newest part of what a worker wrote to its standard output and error: nobody sees it unless the
/// worker fails.
final class WorkerOutput: Sendable {
    private static let kept = 64 << 10
    private let state = Mutex(State())
    private let done = DispatchSemaphore(value: 0)

    private struct State {
        var bytes: [UInt8] = []
    }

    /// Reads the descriptor to its end on a thread of its own, and closes it.
    init(reading descriptor: Int32) {
        let thread = Thread { [self] in
            var buffer = [UInt8](repeating: 0, count: 16 << 10)
            while true {
                let count = read(descriptor, &buffer, buffer.count)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { break }
                append(buffer[..<count])
            }
            close(descriptor)
            done.signal()
        }
        thread.name = "hindsight worker output"
        thread.start()
    }

    private func append(_ bytes: ArraySlice<UInt8>) {
        state.withLock { state in
            state.bytes += bytes
            if state.bytes.count > 2 * Self.kept { state.bytes.removeFirst(state.bytes.count - Self.kept) }
        }
    }

    /// The last lines; waits a moment for the rest to arrive from a worker that has just ended.
    func lastLines(_ count: Int) -> [String] {
        if done.wait(timeout: .now() + 1) == .success { done.signal() }
        let bytes = state.withLock { $0.bytes }
        return String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline).suffix(count)
            .map { String($0.prefix(500)) }
    }
}
