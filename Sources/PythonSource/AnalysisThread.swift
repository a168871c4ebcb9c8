import Foundation
import PythonRuntime

/// The thread that talks to the side process: requests go one at a time and in order.
///
/// The process is started with the first request. When it dies or hangs it is started again, once per
/// request, and told again about the run that the request needs.
final class AnalysisThread: @unchecked Sendable {
    /// Guards everything below that changes, which makes sharing it safe.
    private let condition = NSCondition()
    private var waiting: [Job] = []
    private var nextNumber = 0
    private var hasStarted = false
    private var isStopped = false

    private let interpreter: String
    private let patience: Int

    struct Job {
        var number: Int
        /// The run that the side process has to know first.
        var run: String?
        /// Whether this request is the one that makes the run known.
        var isLoad: Bool
        var line: [UInt8]
        var finish: @Sendable (Result<[UInt8], any Error>) -> Void
    }

    init(interpreter: String, patience: Int) {
        self.interpreter = interpreter
        self.patience = patience
    }

    /// A name for a request that is to come, with which it can be cancelled.
    func number() -> Int {
        condition.withLock {
            nextNumber += 1
            return nextNumber
        }
    }

    func enqueue(_ job: Job) {
        condition.lock()
        defer { condition.unlock() }
        if !hasStarted {
            hasStarted = true
            let thread = Thread { [self] in work() }
            thread.name = "hindsight source analysis"
            thread.start()
        }
        waiting.append(job)
        condition.signal()
    }

    /// Takes back a request that has not been begun; one that has runs on and its answer is dropped.
    func cancel(_ number: Int) {
        let job: Job? = condition.withLock {
            guard let index = waiting.firstIndex(where: { $0.number == number && !$0.isLoad }) else {
                return nil
            }
            return waiting.remove(at: index)
        }
        job?.finish(.failure(CancellationError()))
    }

    /// Ends the thread and with it the process.
    func stop() {
        condition.withLock {
            isStopped = true
            condition.signal()
        }
    }

    private func next() -> Job? {
        condition.lock()
        defer { condition.unlock() }
        while waiting.isEmpty && !isStopped { condition.wait() }
        if !waiting.isEmpty { return waiting.removeFirst() }
        return nil
    }

    // On the thread.

    private func work() {
        // A write to a process that died is to fail, not to end this program.
        var broken = sigset_t()
        sigemptyset(&broken)
        sigaddset(&broken, SIGPIPE)
        pthread_sigmask(SIG_BLOCK, &broken, nil)

        var conversation = Conversation(interpreter: interpreter, patience: patience)
        while let job = next() {
            job.finish(Result { try conversation.answer(job) })
        }
    }
}

/// What one thread says to one side process after another.
private struct Conversation {
    let interpreter: String
    let patience: Int
    private var process: SideProcess?
    /// The requests that made runs known, newest last.
    private var loads: [(run: String, line: [UInt8])] = []
    /// The runs that the process knows now.
    private var known: [String] = []
    /// As many as the side process keeps.
    private static let keptRuns = 8

    init(interpreter: String, patience: Int) {
        self.interpreter = interpreter
        self.patience = patience
    }

    mutating func answer(_ job: AnalysisThread.Job) throws -> [UInt8] {
        if job.isLoad, let run = job.run {
            loads.removeAll { $0.run == run }
            loads.append((run, job.line))
            known.removeAll { $0 == run }
        }
        do {
            return try attempt(job)
        } catch is SideProcess.Failure {
            process = nil
        }
        do {
            return try attempt(job)
        } catch let failure as SideProcess.Failure {
            process = nil
            switch failure {
            case .died(let lastWords): throw SourceAnalysisError.died(interpreter, lastWords)
            case .hung: throw SourceAnalysisError.hung(interpreter, patience)
            }
        }
    }

    private mutating func attempt(_ job: AnalysisThread.Job) throws -> [UInt8] {
        let process = try started()
        if let run = job.run {
            if !known.contains(run), let load = loads.first(where: { $0.run == run }) {
                let answer = try process.ask(load.line, seconds: patience)
                known.append(run)
                if job.isLoad { return answer }
            } else if job.isLoad {
                return try process.ask(job.line, seconds: patience)
            }
            // The process drops the run that was not asked about for longest.
            known.removeAll { $0 == run }
            known.append(run)
            if known.count > Self.keptRuns { known.removeFirst() }
        }
        return try process.ask(job.line, seconds: patience)
    }

    private mutating func started() throws -> SideProcess {
        if let process { return process }
        guard FileManager.default.isExecutableFile(atPath: interpreter) else {
            throw SourceAnalysisError.missingInterpreter(interpreter)
        }
        known = []
        let started = try SideProcess(interpreter: interpreter, resources: RuntimeResources.directory)
        process = started
        return started
    }
}
