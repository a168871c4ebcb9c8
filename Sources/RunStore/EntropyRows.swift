import GRDB
import HindsightCore

/// One thing that the program read and that differs from run to run: a clock, `os.urandom`, a process id.
public struct EntropyRecord: Hashable, Sendable, Codable {
    /// The function that was called, such as `time.time`.
    public var source: String
    /// What it returned: a pickle, in base64.
    public var value: String

    public init(source: String, value: String) {
        self.source = source
        self.value = value
    }
}

extension Store {
    /// What the program read from clocks and the like, in order.
    public func entropy(of run: RunID) throws -> [EntropyRecord] {
        try read { db in
            let rows = try Row.fetchCursor(
                db, sql: "SELECT source, value FROM entropy WHERE run = ? ORDER BY sequence",
                arguments: [Self.key(of: run, db)])
            return try Array(rows.map { EntropyRecord(source: $0[0], value: $0[1]) })
        }
    }

    /// States of random generators as the program first met them, by generator; base64 pickles.
    public func initialStates(of run: RunID) throws -> [String: String] {
        try read { db in
            let rows = try Row.fetchCursor(
                db, sql: "SELECT name, state FROM initialState WHERE run = ?",
                arguments: [Self.key(of: run, db)])
            return try Dictionary(uniqueKeysWithValues: rows.map { ($0[0] as String, $0[1] as String) })
        }
    }

    static func insert(_ record: EntropyRecord, sequence: Int, run: Int64, _ db: Database) throws {
        let statement = try db.cachedStatement(
            sql: "INSERT INTO entropy (run, sequence, source, value) VALUES (?, ?, ?, ?)")
        try statement.execute(arguments: [run, sequence, record.source, record.value])
    }

    static func insert(initial name: String, state: String, run: Int64, _ db: Database) throws {
        try db.execute(
            sql: "INSERT OR IGNORE INTO initialState (run, name, state) VALUES (?, ?, ?)",
            arguments: [run, name, state])
    }
}
