import Foundation
import GRDB
import HindsightCore

extension Store {
    /// Answers kept for one run; older ones make room.
    private static let keptAnswers = 256

    /// The hits of a query that was answered before, in the order they were kept in.
    public func keptAnswer(run: RunID, fingerprint: String) throws -> [Hit]? {
        let packed = try read { db in
            try Data.fetchOne(
                db, sql: "SELECT hits FROM answer WHERE run = ? AND fingerprint = ?",
                arguments: [Self.key(of: run, db), fingerprint])
        }
        guard let packed else { return nil }
        var reader = PackedReader(packed)
        return try (0..<reader.count()).map { _ in try reader.hit() }
    }

    public func keepAnswer(run: RunID, fingerprint: String, hits: [Hit]) throws {
        var writer = PackedWriter()
        writer.append(hits.count)
        for hit in hits { writer.append(hit) }
        try write { db in
            let key = try Self.key(of: run, db)
            try db.execute(
                sql: "INSERT OR REPLACE INTO answer (run, fingerprint, hits) VALUES (?, ?, ?)",
                arguments: [key, fingerprint, writer.data])
            try db.execute(
                sql: """
                    DELETE FROM answer WHERE run = ? AND key NOT IN
                    (SELECT key FROM answer WHERE run = ? ORDER BY key DESC LIMIT ?)
                    """, arguments: [key, key, Self.keptAnswers])
        }
    }
}

extension PackedWriter {
    mutating func append(_ hit: Hit) {
        append(hit.file)
        append(hit.line)
        append(hit.text)
        append(hit.name)
        append(hit.value)
        append(hit.iterations)
        append(hit.order)
        append(hit.verdict.name)
        append(hit.verdict.reason)
    }
}

extension PackedReader {
    mutating func hit() throws -> Hit {
        Hit(
            file: try string(), line: try integer(), text: try string(), name: try optionalString(),
            value: try scalar(), iterations: try iterations(), order: try order(), verdict: try verdict())
    }

    private mutating func verdict() throws -> Verdict {
        let name = try string()
        let reason = try optionalString() ?? ""
        switch name {
        case "exact": return .exact
        case "provisional": return .provisional(reason)
        case "diverged": return .diverged(reason)
        case "unverifiable": return .unverifiable(reason)
        default: throw StoreError.damagedRow("a verdict named \(name)")
        }
    }
}
