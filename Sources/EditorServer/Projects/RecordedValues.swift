import HindsightCore

/// What a run's own log statements wrote, by statement.
struct RecordedValues: Sendable {
    private(set) var bySite: [String: Series] = [:]
    /// How many records were read.
    private(set) var count = 0

    mutating func add(_ records: [LogRecord]) {
        count += records.count
        for (site, records) in Dictionary(grouping: records, by: \.site) {
            let place = SitePlace(site)
            bySite[site, default: Series()].add(
                records.map { record in
                    // The run itself is the witness: nothing was re-executed.
                    Hit(
                        file: place?.path ?? "", line: place?.line ?? 0, text: record.text, name: record.name,
                        value: record.value, iterations: record.iterations, order: record.order,
                        verdict: .exact)
                })
        }
    }
}

/// A statement's name, taken apart: `path:line:column`.
struct SitePlace: Hashable {
    var path: String
    /// From 1.
    var line: Int
    /// Bytes, from 0.
    var column: Int

    init?(_ site: String) {
        let parts = site.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count >= 3, let column = Int(parts[parts.count - 1]),
            let line = Int(parts[parts.count - 2])
        else { return nil }
        path = parts.dropLast(2).joined(separator: ":")
        self.line = line
        self.column = column
    }
}
