import Dispatch
import Foundation
import GRDB
import HindsightCore
import Synchronization

/// Writes one run while it is recorded.
///
/// `add` only queues: a thread of its own writes what has gathered every 100 ms in one transaction, so that a
/// run in progress can be read and millions of records cost little. `save` writes a checkpoint and blocks.
/// The run counts as running while this object's lock is held, thus never longer than its process lives.
public final class RunWriter: Sendable {
    public let run: RunID
    private let store: Store
    private let key: Int64
    private let started: Date
    private let lock: FileLock
    private let pending = Mutex(PendingRecords())
    /// Held over a transaction: batches go in the order of their sequence numbers.
    private let writing = Mutex(WritingState())
    private let wake = DispatchSemaphore(value: 0)

    private struct WritingState {
        /// Keys of log statements that are in the index.
        var sites: [String: Int64] = [:]
        /// Numbers of checkpoints that are stored or being stored.
        var checkpoints: Set<Int> = []
        var lastFailed = false
        var finished = false
        /// Whether there is still room for the records of a run that fills the disk with its checkpoints.
        var hasReserve = false
    }

    private static let interval: useconds_t = 100_000
    /// Some ten thousand log records and the run's end.
    private static let reserve = 1 << 18
    /// Records that wait at most: memory is bounded even where the disk is slow or full.
    private let limit: Int

    init(store: Store, run: RunID, key: Int64, started: Date, lock: FileLock, limit: Int) {
        self.limit = limit
        self.store = store
        self.run = run
        self.key = key
        self.started = started
        self.lock = lock
        writing.withLock { $0.hasReserve = lock.reserve(bytes: Self.reserve) }
        let wake = wake
        let thread = Thread { [weak self] in
            while true {
                wake.wait()
                usleep(Self.interval)
                guard let self else { return }
                if self.writing.withLock({ $0.finished }) { return }
                do {
                    try self.flush()
                } catch {
                    // The records wait for the next try; whether the disk has room again shows then.
                    usleep(1_000_000)
                    wake.signal()
                }
            }
        }
        thread.name = "hindsight index"
        thread.start()
    }

    deinit { wake.signal() }

    // MARK: Records

    public func add(_ source: RecordedSource) { queue { $0.sources.append(source) } }

    public func add(_ record: LogRecord) { queue { $0.logs.append(record) } }

    public func add(_ milestone: Milestone) { queue { $0.milestones.append(milestone) } }

    public func add(_ record: EntropyRecord) { queue { $0.entropy.append(record) } }

    /// The state of a random generator as the program first met it; base64 pickle.
    public func add(initialState state: String, of name: String) {
        queue { $0.initialStates.append((name, state)) }
    }

    /// Without its content, which `keep` may bring later.
    public func add(_ file: FileRecord) { queue { $0.files.append(file) } }

    /// A sentence about the recording that the user should know; the same one counts once.
    public func add(note: String) { queue { $0.notes.append(note) } }

    public func set(_ fingerprint: Fingerprint) {
        let facts = EnvironmentSecrets.withoutSecrets(fingerprint.facts)
        queue { $0.fingerprint = Fingerprint(facts) }
    }

    private func queue(_ change: (inout PendingRecords) -> Void) {
        var count = pending.withLock { pending in
            if !pending.isCut { change(&pending) }
            return pending.count
        }
        if count == 1 { wake.signal() }
        while count > limit {
            if writing.withLock({ $0.lastFailed }) {
                // Waiting for a full disk would stop the training, and going on without some records would
                // leave a gap that nobody sees: the recording ends here.
                pending.withLock { $0.isCut = true }
                return
            }
            usleep(Self.interval)
            count = pending.withLock { $0.count }
        }
    }

    /// Writes what has gathered.
    public func flush() throws {
        try writing.withLock { state in try flush(&state) { _ in } }
    }

    /// Writes what has gathered, and `more` in the same transaction as the last of it.
    private func flush(_ state: inout WritingState, and more: (Database) throws -> Void) throws {
        var isLast = false
        while !isLast {
            let batch = pending.withLock { pending in
                let batch = pending.takeBatch()
                isLast = pending.count == 0
                return batch
            }
            var sites = state.sites
            do {
                try store.write { db in
                    try insert(batch, sites: &sites, db)
                    if isLast { try more(db) }
                }
                state.sites = sites
                state.lastFailed = false
            } catch {
                state.lastFailed = true
                pending.withLock { $0.putBack(batch) }
                // Checkpoints filled the disk; the records get the room that was kept for them.
                guard case StoreError.diskFull = error, state.hasReserve, lock.release() else { throw error }
                state.hasReserve = false
                isLast = false
            }
        }
    }

    private func insert(_ batch: PendingRecords, sites: inout [String: Int64], _ db: Database) throws {
        for source in batch.sources { try Store.insert(source, run: key, db) }
        for (offset, record) in batch.logs.enumerated() {
            let site = try sites[record.site] ?? Store.siteKey(record.site, run: key, db)
            sites[record.site] = site
            try Store.insert(record, sequence: batch.firstLog + offset, site: site, run: key, db)
        }
        for (offset, milestone) in batch.milestones.enumerated() {
            try Store.insert(milestone, sequence: batch.firstMilestone + offset, run: key, db)
        }
        for (offset, record) in batch.entropy.enumerated() {
            try Store.insert(record, sequence: batch.firstEntropy + offset, run: key, db)
        }
        for initial in batch.initialStates {
            try Store.insert(initial: initial.name, state: initial.state, run: key, db)
        }
        for file in batch.files { try Store.insert(file, run: key, db) }
        for note in batch.notes { try Store.insert(note: note, run: key, db) }
        if let fingerprint = batch.fingerprint {
            try db.execute(
                sql: "UPDATE run SET fingerprint = ? WHERE key = ?",
                arguments: [try JSONColumn.encode(fingerprint), key])
        }
        try db.execute(
            sql: "UPDATE run SET duration = ?, overhead = overhead + ? WHERE key = ?",
            arguments: [Date().timeIntervalSince(started), batch.overhead ?? 0, key])
    }

    // MARK: Checkpoints

    /// Stores a checkpoint, the stream first among its blobs, and returns the blobs' content addresses; those
    /// that are known already may be given as `digests`, by position. `released` is called as soon as the
    /// memory is not needed any longer, also when this fails. An error means that the checkpoint is not there.
    @discardableResult
    public func save(
        _ checkpoint: NewCheckpoint, state blobs: [UnsafeRawBufferPointer], digests: [Data?] = [],
        released: () -> Void
    ) throws -> [Data] {
        guard !pending.withLock({ $0.isCut }) else {
            released()
            return []
        }
        guard writing.withLock({ $0.checkpoints.insert(checkpoint.number).inserted }) else {
            // Its pack would replace the first one's.
            released()
            throw StoreError.cannotWrite(
                path: store.folder.blobs, reason: "checkpoint \(checkpoint.number) came twice")
        }
        // The last free space is for the records: a run without checkpoints is slow to ask, one without its
        // end is cut.
        guard
            writing.withLock({ state in
                state.hasReserve = state.hasReserve || lock.reserve(bytes: Self.reserve)
                return state.hasReserve
            })
        else {
            released()
            throw StoreError.diskFull(path: store.folder.blobs)
        }
        let packName = "\(run)-\(checkpoint.number).pack"
        let batch: BlobBatch
        do {
            defer { released() }
            batch = try BlobBatch(
                blobs, digests: digests, packPath: store.folder.pack(packName)
            ) { digest in
                try store.read { try BlobBatch.isPresent(digest, in: store.folder, $0) }
            }
        }
        try batch.pack?.finish()
        do {
            try writing.withLock { writing in
                pending.withLock {
                    $0.overhead = ($0.overhead ?? 0) + checkpoint.cost.values.reduce(0, +)
                }
                try flush(&writing) { db in
                    let keys = try batch.index(packName: packName, db)
                    try insert(checkpoint, size: batch.size, stored: batch.written, blobs: keys, db)
                }
            }
        } catch {
            // Nobody refers to it.
            unlink(store.folder.pack(packName))
            throw error
        }
        return batch.digests
    }

    private func insert(
        _ checkpoint: NewCheckpoint, size: Int, stored: Int, blobs: [Int64], _ db: Database
    ) throws {
        var detail = PackedWriter()
        detail.append(checkpoint.coordinate)
        detail.append(checkpoint.order)
        try db.execute(
            sql: """
                INSERT INTO checkpoint
                    (run, number, kind, elapsed, size, stored, layout, logs, entropy, lost, reachableFrom, cost,
                     detail)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                key, checkpoint.number, checkpoint.kind.rawValue, checkpoint.elapsed, size, stored,
                checkpoint.layout, checkpoint.logs, checkpoint.entropy,
                try JSONColumn.encode(checkpoint.lost), checkpoint.reachableFrom,
                try JSONColumn.encode(checkpoint.cost), detail.data,
            ])
        let row = db.lastInsertedRowID
        for (position, blob) in blobs.enumerated() {
            try db.execute(
                sql: "INSERT INTO checkpointBlob (checkpoint, position, blob) VALUES (?, ?, ?)",
                arguments: [row, position, blob])
        }
    }

    // MARK: Files

    /// Keeps what was in files that were added before, by the numbers of their records; blocks.
    public func keep(_ contents: [(number: Int, bytes: Data)], as name: String) throws {
        guard !pending.withLock({ $0.isCut }) else { return }
        let packName = "\(run)-\(name).pack"
        let data = contents.map { $0.bytes as NSData }
        let batch = try BlobBatch(
            data.map { UnsafeRawBufferPointer(start: $0.bytes, count: $0.length) },
            packPath: store.folder.pack(packName)
        ) { digest in
            try store.read { try BlobBatch.isPresent(digest, in: store.folder, $0) }
        }
        try withExtendedLifetime(data) { try batch.pack?.finish() }
        do {
            try writing.withLock { writing in
                try flush(&writing) { db in
                    let keys = try batch.index(packName: packName, db)
                    for (content, blob) in zip(contents, keys) {
                        try db.execute(
                            sql: "UPDATE file SET blob = ? WHERE run = ? AND sequence = ?",
                            arguments: [blob, key, content.number])
                    }
                }
            }
        } catch {
            unlink(store.folder.pack(packName))
            throw error
        }
    }

    // MARK: The end

    /// Writes what is left and how the run ended. Without `elapsed` and `overhead` those known so far stay.
    ///
    /// Where not everything can be written, the run is left as one that was interrupted there, and the error
    /// is thrown.
    public func finish(
        _ status: RunStatus, exitCode: Int? = nil, elapsed: Double? = nil, overhead: Double? = nil
    ) throws {
        defer { wake.signal() }
        let isCut = pending.withLock { $0.isCut }
        let status =
            isCut ? .interrupted("the recording ended when its store could not be written") : status
        try writing.withLock { state in
            state.finished = true
            do {
                try flush(&state) { db in
                    try setEnd(status, exitCode: exitCode, elapsed: elapsed, overhead: overhead, db)
                }
            } catch {
                let reason = "the end of the recording could not be stored: \(error)"
                // A few bytes may still fit; where they do not, the free lock says nearly the same.
                try? store.write { db in
                    try setEnd(.interrupted(reason), exitCode: exitCode, elapsed: nil, overhead: nil, db)
                }
                throw error
            }
        }
        lock.remove()
    }

    private func setEnd(
        _ status: RunStatus, exitCode: Int?, elapsed: Double?, overhead: Double?, _ db: Database
    ) throws {
        let columns = status.columns
        try db.execute(
            sql: """
                UPDATE run SET status = ?, exitCode = ?, reason = ?,
                    duration = coalesce(?, duration), overhead = coalesce(?, overhead)
                WHERE key = ?
                """,
            arguments: [
                columns.status, exitCode ?? columns.exitCode, columns.reason, elapsed, overhead, key,
            ])
    }
}
