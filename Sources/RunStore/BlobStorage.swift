import Crypto
import Foundation
import GRDB

/// The bytes of one checkpoint on their way into the store: what is there already is only referred to.
struct BlobBatch {
    /// Content addresses in the order of the checkpoint's blobs, the stream first.
    private(set) var digests: [Data] = []
    /// Bytes of all blobs together.
    private(set) var size = 0
    /// Blobs that were written, with their place in the pack.
    private(set) var added: [(sha256: Data, offset: Int, length: Int)] = []
    /// Nil where every blob was there already.
    private(set) var pack: PackFile?

    var written: Int { added.reduce(0) { $0 + $1.length } }

    /// Hashes the blobs, but for those whose digest is given at their position, and writes the new ones; on
    /// return none of the memory is needed any longer.
    init(
        _ blobs: [UnsafeRawBufferPointer], digests given: [Data?] = [], packPath: String,
        present: (Data) throws -> Bool
    ) throws {
        var known: Set<Data> = []
        for (position, blob) in blobs.enumerated() {
            let digest =
                (position < given.count ? given[position] : nil) ?? Self.digest(of: blob)
            digests.append(digest)
            size += blob.count
            guard known.insert(digest).inserted, try !present(digest) else { continue }
            let pack = try self.pack ?? PackFile(path: packPath)
            self.pack = pack
            added.append((digest, try pack.append(blob), blob.count))
        }
        try pack?.drain()
    }

    private static func digest(of blob: UnsafeRawBufferPointer) -> Data {
        var hash = SHA256()
        hash.update(bufferPointer: blob)
        return Data(hash.finalize())
    }

    /// Whether the store can be trusted to have these bytes: a pack that somebody deleted or cut short, or
    /// that a replay found damaged, does not count.
    static func isPresent(_ digest: Data, in folder: StoreFolder, _ db: Database) throws -> Bool {
        guard
            let row = try Row.fetchOne(
                db.cachedStatement(
                    sql: """
                        SELECT p.name, b.offset + b.length FROM blob b JOIN pack p ON p.key = b.pack
                        WHERE b.sha256 = ? AND NOT b.suspect
                        """), arguments: [digest])
        else { return false }
        return PackFile.size(folder.pack(row[0])) >= (row[1] as Int)
    }

    /// Enters the pack and its blobs into the index, once the pack is durable, and returns the blobs' keys.
    func index(packName: String, _ db: Database) throws -> [Int64] {
        if let pack {
            try db.execute(
                sql: "INSERT INTO pack (name, size) VALUES (?, ?)", arguments: [packName, pack.size])
            let key = db.lastInsertedRowID
            for blob in added {
                // A concurrent recorder may have stored the same bytes meanwhile, and damaged ones are
                // replaced: the newest place is as good or better.
                try db.execute(
                    sql: """
                        INSERT INTO blob (sha256, pack, offset, length) VALUES (?, ?, ?, ?)
                        ON CONFLICT (sha256) DO UPDATE SET
                            pack = excluded.pack, offset = excluded.offset, suspect = 0
                        """, arguments: [blob.sha256, key, blob.offset, blob.length])
            }
        }
        let statement = try db.cachedStatement(sql: "SELECT key FROM blob WHERE sha256 = ?")
        return try digests.map { digest in
            guard let key = try Int64.fetchOne(statement, arguments: [digest]) else {
                throw StoreError.damagedRow("a blob vanished from the index while it was written")
            }
            return key
        }
    }
}
