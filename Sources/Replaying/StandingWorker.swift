import Foundation
import HindsightCore
import LocalSockets
import Synchronization

/// A worker that has run a recorded program up to its main loop, without probes, and stands there.
///
/// Each query gets a child of it, which has nothing left to start.
final class StandingWorker: Sendable {
    /// Where it stands, in the order of events.
    let order: OrderKey
    /// The files that it found, as far as they matter: where they have changed since, it is out of date.
    let files: [FileThen]
    /// Waiting for it longer than that is not worth it.
    private let deadline: Date
    private let process: WorkerProcess
    private let state = Mutex(State())
    /// Signalled once: it stands, or never will.
    private let arrival = DispatchSemaphore(value: 0)
    /// Signalled whenever a child has ended.
    private let condition = NSCondition()

    private struct State {
        var phase = Phase.underWay
        var prefix: [WorkerMessage] = []
        var exits: [Int: Int32] = [:]
        var lastNumber = 0
    }

    /// Why it will not stand.
    enum Refusal {
        /// It said so itself: it never can.
        case told(String)
        case died
    }

    private enum Phase {
        case underWay
        case standing
        case ended
    }

    /// - Parameter refused: hears once why it will not stand.
    init(
        _ process: WorkerProcess, instructions: WorkerInstructions, order: OrderKey,
        secondsToArrive: Double, refused: @escaping @Sendable (Refusal) -> Void
    ) {
        self.process = process
        self.order = order
        files = instructions.files
        deadline = Date(timeIntervalSinceNow: 30 + 2 * secondsToArrive)
        let thread = Thread { [weak self] in
            var refusal = Refusal.died
            do {
                try process.connection.write(instructions)
                while let line = try process.connection.readLine() {
                    guard let message = try WorkerMessage(line: line) else { continue }
                    guard let self else { break }
                    switch message {
                    case .cold(let reason): refusal = .told(reason)
                    case .end: refusal = .told("the program ended before its main loop")
                    default: take(message)
                    }
                }
            } catch {
                // A worker that does not talk any more is as good as dead.
                process.kill()
            }
            if let self, end() { refused(refusal) }
        }
        thread.name = "hindsight standing worker"
        thread.stackSize = 4 << 20
        thread.start()
    }

    deinit { process.kill() }

    private func take(_ message: WorkerMessage) {
        switch message {
        case .standing:
            state.withLock { $0.phase = .standing }
            arrival.signal()
        case .exited(let number, let status):
            condition.lock()
            state.withLock { $0.exits[number] = status }
            condition.broadcast()
            condition.unlock()
        default:
            state.withLock { if $0.phase == .underWay { $0.prefix.append(message) } }
        }
    }

    /// Whether it ended before it stood.
    private func end() -> Bool {
        condition.lock()
        defer { condition.unlock() }
        let before = state.withLock { state in
            defer { state.phase = .ended }
            return state.phase
        }
        condition.broadcast()
        arrival.signal()
        return before == .underWay
    }

    /// Ends it and every child.
    func kill() { process.kill() }

    var hasEnded: Bool { state.withLock { $0.phase == .ended } }

    /// A child at the place, once the worker stands; nil where it never will, takes too long, or `isCancelled`
    /// says so first.
    func fork(isCancelled: () -> Bool) -> ForkedWorker? {
        while state.withLock({ $0.phase == .underWay }) {
            if isCancelled() || deadline.timeIntervalSinceNow < 0 { return nil }
            if arrival.wait(timeout: .now() + 0.02) == .success { arrival.signal() }
        }
        guard !hasEnded, let pair = try? LocalConnection.pair() else { return nil }
        defer { close(pair.there) }
        let (number, prefix) = state.withLock { state in
            state.lastNumber += 1
            return (state.lastNumber, state.prefix)
        }
        do {
            try process.connection.write(Request(t: "fork", id: number), descriptor: pair.there)
        } catch {
            return nil
        }
        return ForkedWorker(
            number: number, connection: pair.here, prefix: prefix, output: process.output, parent: self)
    }

    private struct Request: Encodable {
        var t: String
        var id: Int
    }

    fileprivate func kill(_ number: Int) {
        guard state.withLock({ $0.exits[number] == nil }) else { return }
        try? process.connection.write(Request(t: "kill", id: number))
    }

    fileprivate func wait(for number: Int) -> Int32 {
        condition.lock()
        defer { condition.unlock() }
        while true {
            let (status, hasEnded) = state.withLock { ($0.exits[number], $0.phase == .ended) }
            if let status { return status }
            if hasEnded { return 128 + SIGKILL }
            condition.wait()
        }
    }
}

/// A query's worker that was forked from a standing one.
final class ForkedWorker: ReplayWorker {
    let connection: LocalConnection
    let isForked = true
    let prefix: [WorkerMessage]
    let output: WorkerOutput
    private let number: Int
    private let parent: StandingWorker

    fileprivate init(
        number: Int, connection: LocalConnection, prefix: [WorkerMessage], output: WorkerOutput,
        parent: StandingWorker
    ) {
        self.number = number
        self.connection = connection
        self.prefix = prefix
        self.output = output
        self.parent = parent
    }

    func kill() {
        connection.shutdown()
        parent.kill(number)
    }

    func wait() -> Int32 { parent.wait(for: number) }
}
