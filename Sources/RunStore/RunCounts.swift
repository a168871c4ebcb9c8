import GRDB
import HindsightCore

/// How much a run has recorded so far.
public struct RunCounts: Hashable, Sendable {
    public var checkpoints: Int
    public var logRecords: Int
    /// Bytes of state in its checkpoints, and those that had to be written for them: what did not change
    /// since an earlier checkpoint is stored once.
    public var heldBytes: Int
    public var writtenBytes: Int
}

extension Store {
    public func counts() throws -> [RunID: RunCounts] {
        let rows = try read { db in
            // The newest sequence is found by the key; counting millions of records would take seconds.
            try Row.fetchAll(
                db,
                sql: """
                    SELECT id,
                        (SELECT count(*) FROM checkpoint c WHERE c.run = r.key),
                        (SELECT coalesce(max(sequence) + 1, 0) FROM logRecord l WHERE l.run = r.key),
                        (SELECT coalesce(sum(size), 0) FROM checkpoint c WHERE c.run = r.key),
                        (SELECT coalesce(sum(stored), 0) FROM checkpoint c WHERE c.run = r.key)
                    FROM run r
                    """)
        }
        return Dictionary(
            uniqueKeysWithValues: rows.map { row in
                (
                    RunID(row[0]),
                    RunCounts(
                        checkpoints: row[1], logRecords: row[2], heldBytes: row[3], writtenBytes: row[4])
                )
            })
    }
}
