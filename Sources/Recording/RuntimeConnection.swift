import Foundation
import HindsightCore
import LocalSockets
import RunStore

/// One Python process that is recorded, from its first message to its last. Lives on one thread.
final class RuntimeConnection {
    static let protocolVersion = 1

    private let connection: LocalConnection
    private let settings: CollectorSettings
    private let child: ChildStatus
    private let began: (RunID, _ program: String) -> Void
    private var recording: Recording?
    private var memory: SharedState?

    private struct Recording {
        var processID: Int
        var writer: RunWriter
        var checkpoints: CheckpointWriter
        var files: FileKeeper
    }

    /// - Parameter began: Hears of the run as soon as there is one.
    init(
        connection: LocalConnection, settings: CollectorSettings, child: ChildStatus,
        began: @escaping (RunID, _ program: String) -> Void
    ) {
        self.began = began
        self.connection = connection
        self.settings = settings
        self.child = child
    }

    /// Reads to the end, then closes the run. Throws only what nobody could write down in the run itself.
    func serve() throws {
        var end: EndMessage?
        do {
            while end == nil, let line = try connection.readLine() {
                end = try handle(line)
            }
        } catch {
            guard let recording else {
                connection.shutdown()
                throw error
            }
            recording.writer.add(note: "the recording broke off: \(error)")
        }
        connection.shutdown()
        guard let recording else { return }
        recording.checkpoints.finish()
        recording.files.finish()
        if let end {
            try recording.writer.finish(
                end.runStatus, exitCode: end.exitCode, elapsed: end.elapsed, overhead: end.overhead)
        } else {
            let reason = child.end(of: recording.processID)?.reason ?? "the process vanished"
            try recording.writer.finish(.interrupted(reason))
        }
    }

    /// Returns the end once it has come: what follows is nobody's, and a child that was forked off may hold
    /// the line open for long.
    private func handle(_ line: Data) throws -> EndMessage? {
        let message: RuntimeMessage
        do {
            message = try RuntimeMessage.decode(line)
        } catch {
            guard let recording else {
                try refuse("the first message could not be read: \(error)")
                return nil
            }
            // One broken message must not cost the rest of the run.
            recording.writer.add(note: "a message of the runtime could not be read and is missing: \(error)")
            return nil
        }
        if case .hello(let hello) = message {
            try begin(hello)
            return nil
        }
        guard let recording else {
            try refuse("the first message must be hello")
            return nil
        }
        switch message {
        case .hello: break
        case .buffer(let size): try map(size, for: recording.writer)
        case .source(let source): recording.writer.add(source)
        case .log(let record): recording.writer.add(record)
        case .milestone(let milestone): recording.writer.add(milestone)
        case .checkpoint(let checkpoint): try take(checkpoint, recording)
        case .entropy(let record): recording.writer.add(record)
        case .initial(let name, let state): recording.writer.add(initialState: state, of: name)
        case .fingerprint(let fingerprint): recording.writer.set(fingerprint)
        case .files(let messages): recording.files.take(messages)
        case .note(let text): recording.writer.add(note: text)
        case .end(let end): return end
        case .unknown(let type):
            recording.writer.add(note: "a message of unknown kind \"\(type)\" of the runtime was left out")
        }
        return nil
    }

    private func begin(_ hello: HelloMessage) throws {
        guard recording == nil else {
            recording?.writer.add(note: "the runtime said hello twice")
            return
        }
        guard hello.version == Self.protocolVersion else {
            try refuse(
                "the runtime speaks version \(hello.version) of the channel and this hindsight version "
                    + "\(Self.protocolVersion)")
            return
        }
        do {
            let writer = try settings.store.writer(
                for: NewRun(
                    name: settings.name, program: hello.program, module: hello.module, command: hello.argv,
                    interpreter: hello.executable, workingDirectory: hello.cwd,
                    root: settings.store.location.root, environment: hello.environment,
                    hashSeed: hello.hashseed, python: hello.python, processID: hello.pid,
                    budget: settings.budget))
            recording = Recording(
                processID: hello.pid, writer: writer, checkpoints: CheckpointWriter(run: writer),
                files: FileKeeper(run: writer))
            began(writer.run, hello.program)
            let store = settings.store.location.directory
            try connection.write(CollectorMessage.welcome(run: writer.run.description, store: store))
        } catch let error as StoreError {
            try refuse(error.description)
            throw error
        }
    }

    private func refuse(_ reason: String) throws {
        try connection.write(CollectorMessage.refused(reason: reason))
        connection.shutdown()
    }

    private func map(_ size: Int, for run: RunWriter) throws {
        guard let descriptor = connection.takeDescriptor() else {
            run.add(note: "no checkpoints could be taken: the shared buffer's descriptor did not arrive")
            return
        }
        do {
            memory = try SharedState(descriptor: descriptor, size: size)
        } catch {
            memory = nil
            run.add(note: "no checkpoints could be taken: \(error)")
        }
    }

    private func take(_ checkpoint: CheckpointMessage, _ recording: Recording) throws {
        let answer: @Sendable () -> Void = { [connection] in
            // A program that is gone needs no answer, and its end is noticed by the reader.
            try? connection.write(CollectorMessage.stored(number: checkpoint.n))
        }
        guard let memory else {
            answer()
            return
        }
        let job = CheckpointWriter.Job(message: checkpoint, memory: memory, released: answer)
        if !recording.checkpoints.offer(job) { answer() }
    }
}
