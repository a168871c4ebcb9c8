import GRDB
import HindsightCore

extension Store {
    /// What the user should know about the recording, each sentence once.
    public func notes(of run: RunID) throws -> [String] {
        try read { db in
            try String.fetchAll(
                db, sql: "SELECT text FROM note WHERE run = ? ORDER BY key",
                arguments: [Self.key(of: run, db)])
        }
    }

    static func insert(note: String, run: Int64, _ db: Database) throws {
        try db.execute(
            sql: "INSERT OR IGNORE INTO note (run, text) VALUES (?, ?)", arguments: [run, note])
    }
}
