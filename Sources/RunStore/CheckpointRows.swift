import Foundation
import GRDB
import HindsightCore

extension Store {
    /// The run's checkpoints in the order in which they were taken. One whose data is missing or cut short
    /// is marked as damaged; only reading it whole (`verify`) shows that bytes changed.
    public func checkpoints(of run: RunID) throws -> [Checkpoint] {
        let (rows, packs, ends) = try read { db in
            let key = try Self.key(of: run, db)
            let rows = try Row.fetchAll(
                db, sql: "SELECT * FROM checkpoint WHERE run = ? ORDER BY number", arguments: [key])
            // How long each pack must at least be for each checkpoint that reads from it.
            let ends = try Row.fetchAll(
                db,
                sql: """
                    SELECT c.key, b.pack, max(b.offset + b.length) FROM checkpoint c
                    JOIN checkpointBlob cb ON cb.checkpoint = c.key JOIN blob b ON b.key = cb.blob
                    WHERE c.run = ? GROUP BY c.key, b.pack
                    """, arguments: [key])
            let packs = try Row.fetchAll(
                db,
                sql: """
                    SELECT key, name FROM pack WHERE key IN (
                        SELECT b.pack FROM checkpoint c
                        JOIN checkpointBlob cb ON cb.checkpoint = c.key JOIN blob b ON b.key = cb.blob
                        WHERE c.run = ?)
                    """, arguments: [key])
            return (rows, packs, ends)
        }
        var sizes: [Int64: Int] = [:]
        for pack in packs { sizes[pack[0]] = PackFile.size(folder.pack(pack[1])) }
        var damaged: Set<Int64> = []
        for end in ends where (sizes[end[1]] ?? -1) < (end[2] as Int) { damaged.insert(end[0]) }
        return try rows.map { row in
            var detail = PackedReader(row["detail"])
            let damage: String? = row["damage"]
            return Checkpoint(
                number: row["number"], kind: CheckpointKind(rawValue: row["kind"]) ?? .boundary,
                coordinate: try detail.coordinate(), order: try detail.order(), elapsed: row["elapsed"],
                size: row["size"], lost: try JSONColumn.decode(row["lost"]),
                reachableFrom: row["reachableFrom"],
                isDamaged: damage != nil || damaged.contains(row["key"]))
        }
    }

    /// Where a checkpoint's data lies. Missing and shortened files are found here; whoever reads the data
    /// compares its hash.
    public func stateLocation(of run: RunID, checkpoint number: Int) throws -> StateLocation {
        let (row, blobs) = try read { db in
            guard
                let row = try Row.fetchOne(
                    db, sql: "SELECT * FROM checkpoint WHERE run = ? AND number = ?",
                    arguments: [Self.key(of: run, db), number])
            else { throw StoreError.noSuchCheckpoint(run: run, number: number) }
            let blobs = try Row.fetchAll(
                db,
                sql: """
                    SELECT p.name, b.offset, b.length, b.sha256 FROM checkpointBlob cb
                    JOIN blob b ON b.key = cb.blob JOIN pack p ON p.key = b.pack
                    WHERE cb.checkpoint = ? ORDER BY cb.position
                    """, arguments: [row["key"] as Int64])
            return (row, blobs)
        }
        if let damage: String = row["damage"] {
            throw StoreError.damagedCheckpoint(run: run, number: number, reason: damage)
        }
        let locations = blobs.map(location)
        var sizes: [String: Int] = [:]
        for blob in locations {
            let size = sizes[blob.file] ?? PackFile.size(blob.file)
            sizes[blob.file] = size
            if size < blob.offset + blob.length {
                let reason = size < 0 ? "\(blob.file) is missing" : "\(blob.file) is cut short"
                throw StoreError.damagedCheckpoint(run: run, number: number, reason: reason)
            }
        }
        guard let stream = locations.first else {
            throw StoreError.damagedCheckpoint(
                run: run, number: number, reason: "its data is not in the index")
        }
        var detail = PackedReader(row["detail"])
        return StateLocation(
            number: number, kind: CheckpointKind(rawValue: row["kind"]) ?? .boundary,
            coordinate: try detail.coordinate(), order: try detail.order(), layout: row["layout"],
            logs: row["logs"], entropy: row["entropy"], stream: stream, buffers: Array(locations.dropFirst()))
    }

    /// Where everything lies that the checkpoints of a run consist of, but for damaged ones; each once.
    public func blobLocations(of run: RunID) throws -> [BlobLocation] {
        try read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT DISTINCT p.name, b.offset, b.length, b.sha256 FROM checkpoint c
                    JOIN checkpointBlob cb ON cb.checkpoint = c.key
                    JOIN blob b ON b.key = cb.blob JOIN pack p ON p.key = b.pack
                    WHERE c.run = ? AND c.damage IS NULL ORDER BY b.key
                    """, arguments: [Self.key(of: run, db)])
        }.map(location)
    }

    private func location(_ blob: Row) -> BlobLocation {
        BlobLocation(
            file: folder.pack(blob[0]), offset: blob[1], length: blob[2],
            sha256: (blob[3] as Data).map { String(format: "%02x", $0) }.joined())
    }

    /// Keeps a checkpoint from being used again. Its data is not shared with later checkpoints either: where
    /// the same bytes come once more, they are written anew, which also heals this one's file.
    public func markDamaged(run: RunID, checkpoint number: Int, reason: String) throws {
        try write { db in
            let key = try Self.key(of: run, db)
            try db.execute(
                sql: "UPDATE checkpoint SET damage = ? WHERE run = ? AND number = ?",
                arguments: [reason, key, number])
            try db.execute(
                sql: """
                    UPDATE blob SET suspect = 1 WHERE key IN (
                        SELECT cb.blob FROM checkpointBlob cb JOIN checkpoint c ON c.key = cb.checkpoint
                        WHERE c.run = ? AND c.number = ?)
                    """, arguments: [key, number])
        }
    }
}
