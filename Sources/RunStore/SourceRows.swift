import GRDB
import HindsightCore

extension Store {
    /// The sources that the run loaded, in that order.
    public func sources(of run: RunID) throws -> [RecordedSource] {
        try read { db in
            try Row.fetchAll(
                db, sql: "SELECT * FROM source WHERE run = ? ORDER BY rowid",
                arguments: [Self.key(of: run, db)]
            ).map { row in
                RecordedSource(
                    path: row["path"], module: row["module"], text: row["text"],
                    loops: try JSONColumn.decode(row["loops"]))
            }
        }
    }

    static func insert(_ source: RecordedSource, run: Int64, _ db: Database) throws {
        // A module that is loaded again (importlib.reload) keeps its first text: the one that the loops and
        // log records of the run refer to.
        try db.execute(
            sql: "INSERT OR IGNORE INTO source (run, path, module, text, loops) VALUES (?, ?, ?, ?, ?)",
            arguments: [
                run, source.path, source.module, source.text, try JSONColumn.encode(source.loops),
            ])
    }
}
