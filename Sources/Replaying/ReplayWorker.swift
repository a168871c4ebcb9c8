import LocalSockets

/// Who follows a plan: a process of its own, or a child of one that stands.
protocol ReplayWorker: Killable {
    var connection: LocalConnection { get }
    var output: WorkerOutput { get }
    var isForked: Bool { get }
    /// What was told before the plan was known, and counts for it.
    var prefix: [WorkerMessage] { get }

    /// Waits for its end; gives the exit status, 128 and the signal's number where a signal ended it.
    func wait() -> Int32
}

extension WorkerProcess: ReplayWorker {
    var isForked: Bool { false }
    var prefix: [WorkerMessage] { [] }
}
