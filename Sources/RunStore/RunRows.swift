import Foundation
import GRDB
import HindsightCore

extension Store {
    /// All runs, newest first.
    public func runs() throws -> [Run] {
        try read { db in
            try Row.fetchAll(db, sql: "SELECT * FROM run ORDER BY started DESC, key DESC")
        }.map(run)
    }

    /// The run whose id starts like this; its name serves too where no id does.
    public func run(matching prefix: String) throws -> Run {
        let rows = try read { db in
            // GLOB is sensitive to case and can use the index; ids hold nothing that it would interpret.
            let digits = prefix.lowercased().filter { $0.isHexDigit && $0.isASCII }
            var rows: [Row] = []
            if digits.count == prefix.count, !digits.isEmpty {
                rows = try Row.fetchAll(
                    db, sql: "SELECT * FROM run WHERE id GLOB ? ORDER BY id LIMIT 8",
                    arguments: [digits + "*"])
            }
            if rows.isEmpty {
                rows = try Row.fetchAll(
                    db, sql: "SELECT * FROM run WHERE name = ? ORDER BY id LIMIT 8", arguments: [prefix])
            }
            return rows
        }
        guard let first = rows.first else { throw StoreError.noSuchRun(prefix) }
        if let exact = rows.first(where: { $0["id"] == prefix }) { return try run(exact) }
        guard rows.count == 1 else { throw StoreError.ambiguousRun(prefix, rows.map { $0["id"] }) }
        return try run(first)
    }

    /// The newest run that loaded this file (relative to the root); without a file, the newest run.
    public func newestRun(loading path: String?) throws -> Run? {
        try read { db in
            guard let path else {
                return try Row.fetchOne(db, sql: "SELECT * FROM run ORDER BY started DESC, key DESC LIMIT 1")
            }
            return try Row.fetchOne(
                db,
                sql: """
                    SELECT * FROM run WHERE key IN (SELECT run FROM source WHERE path = ?)
                    ORDER BY started DESC, key DESC LIMIT 1
                    """, arguments: [path])
        }.map(run)
    }

    /// What is known of a run beside what replaying needs.
    public func details(of run: RunID) throws -> RunDetails {
        try read { db in
            guard
                let row = try Row.fetchOne(
                    db, sql: "SELECT * FROM run WHERE id = ?", arguments: [run.description])
            else { throw StoreError.noSuchRun(run.description) }
            return RunDetails(
                hashSeed: row["hashSeed"], python: row["python"], processID: row["processID"],
                withheld: try JSONColumn.decode(row["withheld"]), budget: row["budget"],
                exitCode: row["exitCode"])
        }
    }

    private func run(_ row: Row) throws -> Run {
        let id = RunID(row["id"])
        var environment: [String: String] = try JSONColumn.decode(row["environment"])
        environment.reserveCapacity(environment.count)
        return Run(
            id: id, name: row["name"], program: row["program"], module: row["module"],
            command: try JSONColumn.decode(row["command"]), interpreter: row["interpreter"],
            workingDirectory: row["workingDirectory"], root: row["root"], environment: environment,
            fingerprint: try JSONColumn.decode(row["fingerprint"]),
            started: Date(timeIntervalSince1970: row["started"]), duration: row["duration"],
            overhead: row["overhead"], status: status(row, id))
    }

    private func status(_ row: Row, _ id: RunID) -> RunStatus {
        let reason: String? = row["reason"]
        switch row["status"] as String {
        case "running":
            // Only a live collector can write the end: a free lock means that it was killed.
            return FileLock.isHeld(folder.lock(of: id))
                ? .running : .interrupted("the recorder ended before the program did")
        case "finished": return .finished(exitCode: row["exitCode"] ?? 0)
        case "raised": return .raised(exception: reason ?? "an exception")
        default: return .interrupted(reason ?? "interrupted")
        }
    }
}

extension StoreFolder {
    func lock(of run: RunID) -> String { live + "/" + run.description + ".lock" }
}

extension RunStatus {
    /// As the index names it, and the text that goes with it.
    var columns: (status: String, exitCode: Int?, reason: String?) {
        switch self {
        case .running: ("running", nil, nil)
        case .finished(let exitCode): ("finished", exitCode, nil)
        case .raised(let exception): ("raised", nil, exception)
        case .interrupted(let reason): ("interrupted", nil, reason)
        }
    }
}
