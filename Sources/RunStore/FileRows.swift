import Foundation
import GRDB
import HindsightCore

extension Store {
    /// What the run did with files, in order.
    public func files(of run: RunID) throws -> [FileRecord] {
        try read { db in
            let rows = try Row.fetchCursor(
                db,
                sql: """
                    SELECT f.*, p.name, b.offset, b.length, b.sha256 FROM file f
                    LEFT JOIN blob b ON b.key = f.blob LEFT JOIN pack p ON p.key = b.pack
                    WHERE f.run = ? ORDER BY f.sequence
                    """, arguments: [Self.key(of: run, db)])
            return try Array(rows.map(record))
        }
    }

    private func record(_ row: Row) -> FileRecord {
        let pack: String? = row["name"]
        let content = pack.map { pack in
            BlobLocation(
                file: folder.pack(pack), offset: row["offset"], length: row["length"],
                sha256: (row["sha256"] as Data).map { String(format: "%02x", $0) }.joined())
        }
        return FileRecord(
            number: row["sequence"], kind: FileRecord.Kind(rawValue: row["kind"]) ?? .end, path: row["path"],
            state: FileState(
                FileState.Kind(rawValue: row["state"]) ?? .unknown, size: row["size"],
                modified: row["modified"], inode: row["inode"]),
            checkpoint: row["checkpoint"], content: content)
    }

    static func insert(_ file: FileRecord, run: Int64, _ db: Database) throws {
        let statement = try db.cachedStatement(
            sql: """
                INSERT INTO file (run, sequence, kind, path, state, size, modified, inode, checkpoint)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                """)
        try statement.execute(arguments: [
            run, file.number, file.kind.rawValue, file.path, file.state.kind.rawValue, file.state.size,
            file.state.modified, file.state.inode, file.checkpoint,
        ])
    }
}
