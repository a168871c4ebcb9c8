import CHindsightSystem
import Dispatch
import Foundation
import RunStore
import Synchronization

/// Notes what a run does with files, and keeps what was in them as far as replays may need it and a copy is
/// cheap: small inputs, and what the program wrote and read back.
///
/// Files are read on a thread of its own. One that has changed by then is not kept.
final class FileKeeper: Sendable {
    private enum Source {
        case told(Data)
        case file(FileRecord)
    }

    private struct State {
        var waiting: [(number: Int, source: Source)] = []
        var isStopping = false
        var next = 0
        /// Inputs that may still be kept: settings and tables, not a data set of many files.
        var inputs = 1000
        /// Bytes that may still be kept, of inputs and of what was read back.
        var inputRoom = 64 << 20
        var outputRoom = 512 << 20
    }

    private static let largestInput = 1 << 20
    /// Contents are stored together up to this many bytes.
    private static let batch = 16 << 20

    private static let interval: useconds_t = 100_000

    private let run: RunWriter
    private let state = Mutex(State())
    private let wake = DispatchSemaphore(value: 0)
    private let done = DispatchSemaphore(value: 0)

    init(run: RunWriter) {
        self.run = run
        let thread = Thread { [self] in
            hindsight_lower_thread_priority()
            work()
            done.signal()
        }
        thread.name = "hindsight files"
        thread.start()
    }

    func take(_ messages: [FileMessage]) {
        for message in messages {
            let number = state.withLock { state in
                defer { state.next += 1 }
                return state.next
            }
            let record = message.record(number: number)
            run.add(record)
            guard record.state.kind == .file, let source = source(of: record, told: message.data) else {
                continue
            }
            state.withLock { $0.waiting.append((number, source)) }
        }
        wake.signal()
    }

    /// Stores what waits, and returns when it is stored.
    func finish() {
        state.withLock { $0.isStopping = true }
        wake.signal()
        done.wait()
    }

    private func source(of record: FileRecord, told: Data?) -> Source? {
        if let told { return .told(told) }
        let size = record.state.size
        return state.withLock { state in
            switch record.kind {
            case .input where size <= min(Self.largestInput, state.inputRoom) && state.inputs > 0:
                state.inputRoom -= size
                state.inputs -= 1
                return .file(record)
            case .content where size <= state.outputRoom:
                state.outputRoom -= size
                return .file(record)
            default: return nil
            }
        }
    }

    private func work() {
        var packs = 0
        while true {
            wake.wait()
            // Gather: every pack is synced on its own.
            if !state.withLock({ $0.isStopping }) { usleep(Self.interval) }
            while true {
                let items = state.withLock { state in
                    defer { state.waiting.removeAll() }
                    return state.waiting
                }
                guard !items.isEmpty else { break }
                var contents: [(number: Int, bytes: Data)] = []
                var size = 0
                for item in items {
                    guard let bytes = bytes(item.source) else { continue }
                    contents.append((item.number, bytes))
                    size += bytes.count
                    guard size >= Self.batch else { continue }
                    store(&contents, &packs)
                    size = 0
                }
                store(&contents, &packs)
            }
            if state.withLock({ $0.isStopping && $0.waiting.isEmpty }) { return }
        }
    }

    private func store(_ contents: inout [(number: Int, bytes: Data)], _ packs: inout Int) {
        guard !contents.isEmpty else { return }
        do {
            try run.keep(contents, as: "f\(packs)")
            packs += 1
        } catch {
            run.add(note: "what was in some files was not kept: \(error)")
        }
        contents.removeAll()
    }

    private func bytes(_ source: Source) -> Data? {
        switch source {
        case .told(let data): return data
        case .file(let record):
            guard FileState(of: record.path) == record.state,
                let data = FileManager.default.contents(atPath: record.path), data.count == record.state.size
            else { return nil }
            // What is written within one tick of the clock has the same time of change.
            let age = Date().timeIntervalSince1970 - Double(record.state.modified) / 1e9
            if age < 0.05 { usleep(50_000) }
            return FileState(of: record.path) == record.state ? data : nil
        }
    }
}
