import Dispatch
import Foundation
import HindsightCore
import LocalSockets
import RunStore
import Synchronization

/// What all runs of one `record` have in common.
struct CollectorSettings: Sendable {
    var store: Store
    var name: String?
    /// Share of the program's time.
    var budget: Double
}

/// A run that a recording made.
public struct RecordedRun: Hashable, Sendable {
    public var id: RunID
    public var program: String
}

/// Takes what the recorded processes send and writes it to the store: one thread waits for connections, one
/// serves each of them. Nothing here prints while the program runs: its terminal is its own.
final class Collector: Sendable {
    let socketPath: String
    let child = ChildStatus()
    private let settings: CollectorSettings
    private let folder: SocketFolder
    private let listener: LocalListener
    private let acceptor = DispatchGroup()
    private let readers = DispatchGroup()
    private let state = Mutex(State())

    private struct State {
        var open: [ObjectIdentifier: LocalConnection] = [:]
        var failures: [String] = []
        var runs: [RecordedRun] = []
    }

    /// The runs so far, in the order in which they began.
    var runs: [RecordedRun] { state.withLock { $0.runs } }

    init(settings: CollectorSettings) throws {
        self.settings = settings
        folder = try SocketFolder()
        socketPath = folder.path + "/collector"
        listener = try LocalListener(path: socketPath)
        try settings.store.removeLeftovers()
        acceptor.enter()
        let thread = Thread { [self] in
            accept()
            acceptor.leave()
        }
        thread.name = "hindsight accept"
        thread.start()
    }

    /// Waits for the last messages once the command has ended, and returns what went wrong, as sentences.
    ///
    /// Processes that the command left behind in the background are not waited for.
    func finish(patience: Double = 1) -> [String] {
        listener.close()
        acceptor.wait()
        if readers.wait(timeout: .now() + patience) == .timedOut {
            for connection in state.withLock({ Array($0.open.values) }) { connection.shutdown() }
            readers.wait()
        }
        folder.remove()
        return state.withLock { $0.failures }
    }

    private func accept() {
        do {
            while let connection = try listener.accept() { serve(connection) }
        } catch {
            fail("no further processes can be recorded: \(error)")
        }
    }

    private func serve(_ connection: LocalConnection) {
        let id = ObjectIdentifier(connection)
        state.withLock { $0.open[id] = connection }
        readers.enter()
        let thread = Thread { [self] in
            do {
                try RuntimeConnection(connection: connection, settings: settings, child: child) {
                    [self] run, program in
                    state.withLock { $0.runs.append(RecordedRun(id: run, program: program)) }
                }.serve()
            } catch {
                fail("not everything was recorded: \(error)")
            }
            state.withLock { _ = $0.open.removeValue(forKey: id) }
            readers.leave()
        }
        thread.name = "hindsight run"
        thread.start()
    }

    private func fail(_ sentence: String) {
        state.withLock { if !$0.failures.contains(sentence) { $0.failures.append(sentence) } }
    }
}
