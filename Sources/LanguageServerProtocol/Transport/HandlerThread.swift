import Foundation

/// The one thread on which messages are handled, in the order of their arrival. It is a serial executor too,
/// so that an actor which lives on it needs no hop between a message and its state.
///
/// Nothing that blocks belongs here.
public final class HandlerThread: SerialExecutor, Sendable {
    private enum Work {
        case block(@Sendable () -> Void)
        case job(UnownedJob)
    }

    private struct Timer {
        var due: ContinuousClock.Instant
        var number: Int
        var block: @Sendable () -> Void
    }

    private struct State {
        var queue: [Work] = []
        var timers: [Timer] = []
        var timerCount = 0
        var identity: pthread_t?
    }

    private let condition = NSCondition()
    /// Safe: only touched while `condition` is locked.
    private nonisolated(unsafe) var state = State()

    public init(name: String) {
        let thread = Thread { [self] in runForever() }
        thread.name = name
        thread.stackSize = 8 << 20
        thread.start()
    }

    /// Runs the block after everything that was queued before it.
    public func perform(_ block: @escaping @Sendable () -> Void) {
        condition.withLock {
            state.queue.append(.block(block))
            condition.signal()
        }
    }

    /// Runs the block when the time has passed; the number cancels it.
    @discardableResult
    public func perform(after delay: Duration, _ block: @escaping @Sendable () -> Void) -> Int {
        condition.withLock {
            state.timerCount += 1
            state.timers.append(Timer(due: .now + delay, number: state.timerCount, block: block))
            condition.signal()
            return state.timerCount
        }
    }

    /// Forgets a block that is waiting for its time.
    public func cancel(timer number: Int) {
        condition.withLock { state.timers.removeAll { $0.number == number } }
    }

    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        condition.withLock {
            state.queue.append(.job(job))
            condition.signal()
        }
    }

    public func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }

    public func checkIsolated() {
        precondition(isCurrent, "This code belongs on the handler thread.")
    }

    /// Whether the caller runs on this thread.
    public var isCurrent: Bool {
        condition.withLock { state.identity.map { pthread_equal($0, pthread_self()) != 0 } ?? false }
    }

    private func runForever() {
        condition.withLock { state.identity = pthread_self() }
        while true {
            let works: [Work] = condition.withLock {
                while true {
                    moveDueTimers()
                    if !state.queue.isEmpty { break }
                    if let due = state.timers.map(\.due).min() {
                        let seconds = max(0.0005, (due - .now) / .seconds(1))
                        _ = condition.wait(until: Date(timeIntervalSinceNow: seconds))
                    } else {
                        condition.wait()
                    }
                }
                defer { state.queue.removeAll(keepingCapacity: true) }
                return state.queue
            }
            for work in works {
                switch work {
                case .block(let block): block()
                case .job(let job): job.runSynchronously(on: asUnownedSerialExecutor())
                }
            }
        }
    }

    /// Only with the lock held.
    private func moveDueTimers() {
        guard !state.timers.isEmpty else { return }
        let now = ContinuousClock.now
        let due = state.timers.filter { $0.due <= now }.sorted { ($0.due, $0.number) < ($1.due, $1.number) }
        guard !due.isEmpty else { return }
        state.timers.removeAll { $0.due <= now }
        state.queue.append(contentsOf: due.map { .block($0.block) })
    }
}
