import Foundation
import GRDB
import HindsightCore

extension Store {
    /// The program's own log records, in order.
    public func logRecords(of run: RunID) throws -> [LogRecord] {
        try logRecords(of: run, from: 0, limit: nil)
    }

    /// Log records from the `from`th on: a run in progress is followed by asking for what is new.
    public func logRecords(of run: RunID, from: Int, limit: Int?) throws -> [LogRecord] {
        try read { db in
            let key = try Self.key(of: run, db)
            let sites = try Self.sites(of: key, db)
            let rows = try Row.fetchCursor(
                db,
                sql: """
                    SELECT site, detail FROM logRecord WHERE run = ? AND sequence >= ?
                    ORDER BY sequence LIMIT ?
                    """, arguments: [key, from, limit ?? -1])
            var records: [LogRecord] = []
            while let row = try rows.next() {
                var detail = PackedReader(row[1])
                records.append(
                    LogRecord(
                        site: sites[row[0]] ?? "", text: try detail.string(),
                        name: try detail.optionalString(),
                        value: try detail.scalar(), iterations: try detail.iterations(),
                        order: try detail.order()))
            }
            return records
        }
    }

    public func logRecordCount(of run: RunID) throws -> Int {
        try read { db in
            // Sequences have no gaps, and the last one is found without counting.
            try Int.fetchOne(
                db, sql: "SELECT max(sequence) + 1 FROM logRecord WHERE run = ?",
                arguments: [Self.key(of: run, db)]) ?? 0
        }
    }

    static func sites(of run: Int64, _ db: Database) throws -> [Int64: String] {
        let rows = try Row.fetchCursor(db, sql: "SELECT key, name FROM site WHERE run = ?", arguments: [run])
        return try Dictionary(uniqueKeysWithValues: rows.map { ($0[0] as Int64, $0[1] as String) })
    }

    static func siteKey(_ name: String, run: Int64, _ db: Database) throws -> Int64 {
        try db.execute(
            sql: "INSERT OR IGNORE INTO site (run, name) VALUES (?, ?)", arguments: [run, name])
        guard
            let key = try Int64.fetchOne(
                db, sql: "SELECT key FROM site WHERE run = ? AND name = ?", arguments: [run, name])
        else { throw StoreError.damagedRow("the log statement \(name)") }
        return key
    }

    static func insert(_ record: LogRecord, sequence: Int, site: Int64, run: Int64, _ db: Database) throws {
        // The text is not a column of its own: SQLite's end at a zero, and a program may print one.
        var detail = PackedWriter()
        detail.append(record.text)
        detail.append(record.name)
        detail.append(record.value)
        detail.append(record.iterations)
        detail.append(record.order)
        let statement = try db.cachedStatement(
            sql: "INSERT INTO logRecord (run, sequence, site, detail) VALUES (?, ?, ?, ?)")
        try statement.execute(arguments: [run, sequence, site, detail.data])
    }
}
