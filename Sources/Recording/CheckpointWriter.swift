import CHindsightSystem
import Dispatch
import Foundation
import HindsightCore
import RunStore
import Synchronization

/// Stores the checkpoints of one run, one after the other, on a thread of its own.
///
/// At most one waits while one is being written. Another is dropped: the program must not wait for the disk.
final class CheckpointWriter: Sendable {
    /// A checkpoint whose bytes lie in memory that the program will reuse once `released` was called.
    struct Job: Sendable {
        var message: CheckpointMessage
        var memory: SharedState
        var released: @Sendable () -> Void
    }

    private struct State {
        var waiting: Job?
        var isStopping = false
        var dropped = 0
        var full = false
    }

    private let run: RunWriter
    private let state = Mutex(State())
    private let wake = DispatchSemaphore(value: 0)
    private let done = DispatchSemaphore(value: 0)
    /// Content addresses of what the last stored checkpoint consists of: what has not changed since needs no
    /// other look.
    private let digests = Mutex<[ByteRange: Data]>([:])

    init(run: RunWriter) {
        self.run = run
        let thread = Thread { [self] in
            hindsight_lower_thread_priority()
            work()
            done.signal()
        }
        thread.name = "hindsight checkpoints"
        thread.start()
    }

    /// Queues a checkpoint; false where the writer is behind and the checkpoint is dropped.
    func offer(_ job: Job) -> Bool {
        let taken = state.withLock { state in
            if state.waiting != nil || state.isStopping {
                state.dropped += 1
                return false
            }
            state.waiting = job
            return true
        }
        if taken { wake.signal() }
        return taken
    }

    /// Writes what waits, and returns when it is stored.
    func finish() {
        state.withLock { $0.isStopping = true }
        wake.signal()
        done.wait()
        let dropped = state.withLock { $0.dropped }
        if dropped > 0 {
            let what = dropped == 1 ? "1 checkpoint was" : "\(dropped) checkpoints were"
            run.add(note: "\(what) skipped because the disk did not keep up")
        }
    }

    private func work() {
        while true {
            wake.wait()
            let (job, isStopping) = state.withLock { state in
                defer { state.waiting = nil }
                return (state.waiting, state.isStopping)
            }
            if let job {
                store(job)
            } else if isStopping {
                return
            }
        }
    }

    private func store(_ job: Job) {
        let ranges = [job.message.stream] + job.message.buffers
        let blobs = ranges.compactMap { job.memory[$0] }
        guard blobs.count == ranges.count else {
            job.released()
            run.add(
                note: "checkpoint \(job.message.n) was not kept: its place lies outside the shared buffer")
            return
        }
        let known = digests.withLock { digests in ranges.map { digests[$0] } }
        do {
            let stored = try run.save(
                job.message.checkpoint, state: blobs, digests: known, released: job.released)
            digests.withLock { $0 = Dictionary(zip(ranges, stored)) { first, _ in first } }
        } catch StoreError.diskFull(let path) {
            // Later ones are tried again: space may have been made. One sentence is enough.
            run.add(
                note:
                    "checkpoints are missing: no space was left to write them in \((path as NSString).deletingLastPathComponent)"
            )
        } catch {
            run.add(note: "checkpoint \(job.message.n) was not kept: \(error)")
        }
    }
}
