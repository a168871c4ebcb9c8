import Foundation
import GRDB
import HindsightCore

extension Store {
    /// When the program passed loop boundaries and exits, in order.
    public func milestones(of run: RunID) throws -> [Milestone] {
        try read { db in
            let rows = try Row.fetchCursor(
                db, sql: "SELECT kind, elapsed, detail FROM milestone WHERE run = ? ORDER BY sequence",
                arguments: [Self.key(of: run, db)])
            var milestones: [Milestone] = []
            while let row = try rows.next() {
                var detail = PackedReader(row[2])
                milestones.append(
                    Milestone(
                        kind: CheckpointKind(rawValue: row[0]) ?? .boundary,
                        coordinate: try detail.coordinate(), order: try detail.order(), elapsed: row[1]))
            }
            return milestones
        }
    }

    static func insert(_ milestone: Milestone, sequence: Int, run: Int64, _ db: Database) throws {
        var detail = PackedWriter()
        detail.append(milestone.coordinate)
        detail.append(milestone.order)
        let statement = try db.cachedStatement(
            sql: "INSERT INTO milestone (run, sequence, kind, elapsed, detail) VALUES (?, ?, ?, ?, ?)")
        try statement.execute(
            arguments: [run, sequence, milestone.kind.rawValue, milestone.elapsed, detail.data])
    }
}
