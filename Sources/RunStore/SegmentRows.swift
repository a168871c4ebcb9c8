import GRDB
import HindsightCore

/// Two checkpoints of a run between which a re-execution, started from the first one's restored state,
/// agreed with everything that the run recorded. It shows that the capture is complete there.
public struct VerifiedSegment: Hashable, Sendable {
    public var from: Int
    public var to: Int

    public init(from: Int, to: Int) {
        self.from = from
        self.to = to
    }
}

extension Store {
    public func addVerifiedSegment(run: RunID, from: Int, to: Int) throws {
        try write { db in
            try db.execute(
                sql: "INSERT OR IGNORE INTO verifiedSegment (run, first, last) VALUES (?, ?, ?)",
                arguments: [Self.key(of: run, db), from, to])
        }
    }

    public func verifiedSegments(run: RunID) throws -> [VerifiedSegment] {
        try read { db in
            try Row.fetchAll(
                db, sql: "SELECT first, last FROM verifiedSegment WHERE run = ? ORDER BY first, last",
                arguments: [Self.key(of: run, db)]
            ).map { VerifiedSegment(from: $0[0], to: $0[1]) }
        }
    }
}
