import Foundation

/// Writes messages whole and one after another, on a thread of its own: a client that does not read for a
/// while cannot stop the server from reading what it sends.
public final class MessageWriter: Sendable {
    private struct State {
        var queue: [[UInt8]] = []
        var isClosed = false
        var isDrained = false
        /// Counts successful writes.
        var writtenCount = 0
    }

    private let descriptor: Int32
    private let condition = NSCondition()
    /// Safe: only touched while `condition` is locked.
    private nonisolated(unsafe) var state = State()

    public init(descriptor: Int32) {
        self.descriptor = descriptor
        let thread = Thread { [self] in writeUntilClosed() }
        thread.name = "message writer"
        thread.start()
    }

    /// Queues one message; its header is added here.
    public func write(_ body: Data) {
        var message = Array("Content-Length: \(body.count)\r\n\r\n".utf8)
        message.append(contentsOf: body)
        condition.withLock {
            guard !state.isClosed else { return }
            state.queue.append(message)
            condition.signal()
        }
    }

    /// Waits until everything queued is written; gives up when the client takes nothing for so many seconds.
    public func close(patience seconds: Double) {
        condition.withLock {
            state.isClosed = true
            condition.broadcast()
            while !state.isDrained {
                let written = state.writtenCount
                let isDue = !condition.wait(until: Date(timeIntervalSinceNow: seconds))
                if isDue, state.writtenCount == written { return }
            }
        }
    }

    private func writeUntilClosed() {
        // A vanished client must end in EPIPE here. The signal is blocked for this thread alone: ignoring it
        // for the process would be inherited by every program started from here.
        var pipeSignal = sigset_t()
        sigemptyset(&pipeSignal)
        sigaddset(&pipeSignal, SIGPIPE)
        pthread_sigmask(SIG_BLOCK, &pipeSignal, nil)

        var isBroken = false
        while true {
            let batch: [[UInt8]]? = condition.withLock {
                while state.queue.isEmpty, !state.isClosed { condition.wait() }
                guard !state.queue.isEmpty else { return nil }
                defer { state.queue.removeAll() }
                return state.queue
            }
            guard let batch else { break }
            guard !isBroken else { continue }
            // Several waiting messages leave in one system call.
            var bytes = batch[0]
            for message in batch.dropFirst() { bytes.append(contentsOf: message) }
            isBroken = !writeAll(bytes)
        }
        condition.withLock {
            state.isDrained = true
            condition.broadcast()
        }
    }

    private func writeAll(_ bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBytes { buffer in
            var offset = 0
            while offset < buffer.count {
                let count = Foundation.write(descriptor, buffer.baseAddress! + offset, buffer.count - offset)
                if count < 0 {
                    if errno == EINTR { continue }
                    if errno == EAGAIN {
                        usleep(1000)
                        continue
                    }
                    return false
                }
                offset += count
                condition.withLock { state.writtenCount += 1 }
            }
            return true
        }
    }
}
