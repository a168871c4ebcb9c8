import Foundation
import HindsightCore

/// Everything one log statement wrote, in the run's order, with running totals, so that showing it costs the
/// same after a hundred hits and after a hundred thousand.
struct Series {
    /// In the run's order.
    private(set) var hits: [Hit] = []
    private(set) var columns: [Column] = []
    private(set) var verdicts: [String: Int] = [:]
    /// A reason for each verdict that has one: the earliest hit's.
    private var reasons: [String: (order: OrderKey, text: String)] = [:]
    private var columnNumbers: [String: Int] = [:]
    private var trends = TrendCache()

    var isEmpty: Bool { hits.isEmpty }
    var count: Int { hits.count }
    var last: Hit? { hits.last }
    var first: Hit? { hits.first }

    init() {}

    init(_ hits: [Hit]) { add(hits) }

    /// Adds hits; one that is there already (same place in the run, same name) is replaced.
    mutating func add(_ new: [Hit]) {
        guard !new.isEmpty else { return }
        trends = TrendCache()
        let sorted = zip(new, new.dropFirst()).allSatisfy { $0.order <= $1.order } ? new : Self.sort(new)
        if let last = hits.last, !(last.order < sorted[0].order) {
            merge(sorted)
        } else {
            hits.append(contentsOf: sorted)
            for hit in sorted { count(hit) }
        }
    }

    /// The verdict of the hits at a place in the run has changed.
    mutating func setVerdict(_ verdict: Verdict, at order: OrderKey) {
        var index = lowerBound(order)
        while index < hits.count, hits[index].order == order {
            let old = hits[index].verdict
            if old != verdict {
                verdicts[old.name, default: 1] -= 1
                hits[index].verdict = verdict
                countVerdict(hits[index])
            }
            index += 1
        }
    }

    /// The earliest reason given for a verdict.
    func reason(for verdict: String) -> String? {
        verdicts[verdict, default: 0] > 0 ? reasons[verdict]?.text : nil
    }

    /// The columns that are worth a line of their own.
    var measurements: [Column] {
        let measured = columns.filter { !$0.isCounter }
        return measured.isEmpty ? columns : measured
    }

    /// How a column's numbers go.
    func trend(of column: Column, width: Int) -> String {
        trends.value(TrendCache.Key(label: column.label, width: width)) {
            Sparkline.draw(samples(of: column, limit: width * 16), width: width)
        }
    }

    /// Numbers of a column, evenly taken from all hits.
    func samples(of column: Column, limit: Int) -> [Double] {
        let step = max(1, hits.count / max(1, limit))
        return stride(from: 0, to: hits.count, by: step).compactMap { index in
            Self.numbers(in: hits[index]).first { $0.label == column.label }?.value
        }
    }

    // MARK: -

    private mutating func merge(_ new: [Hit]) {
        var fresh: [Hit] = []
        var replacesText = false
        for hit in new {
            if let index = index(of: hit) {
                let isSame = hits[index].text == hit.text && hits[index].value == hit.value
                if isSame {
                    setVerdict(hit.verdict, at: hit.order)
                } else {
                    hits[index] = hit
                    replacesText = true
                }
            } else {
                fresh.append(hit)
            }
        }
        var merged: [Hit] = []
        merged.reserveCapacity(hits.count + fresh.count)
        var old = hits.makeIterator()
        var next = old.next()
        for hit in fresh {
            while let earlier = next, !(hit.order < earlier.order) {
                merged.append(earlier)
                next = old.next()
            }
            merged.append(hit)
        }
        while let later = next {
            merged.append(later)
            next = old.next()
        }
        hits = merged
        if replacesText {
            recount()
        } else {
            for hit in fresh { count(hit) }
        }
    }

    private func index(of hit: Hit) -> Int? {
        var index = lowerBound(hit.order)
        while index < hits.count, hits[index].order == hit.order {
            if hits[index].name == hit.name { return index }
            index += 1
        }
        return nil
    }

    private mutating func recount() {
        columns = []
        verdicts = [:]
        reasons = [:]
        columnNumbers = [:]
        for hit in hits { count(hit) }
    }

    private mutating func count(_ hit: Hit) {
        for number in Self.numbers(in: hit) {
            if let known = columnNumbers[number.label] {
                columns[known].add(number.value, of: hit)
            } else if columns.count < 16 {
                columnNumbers[number.label] = columns.count
                columns.append(Column(label: number.label))
                columns[columns.count - 1].add(number.value, of: hit)
            }
        }
        countVerdict(hit)
    }

    private mutating func countVerdict(_ hit: Hit) {
        verdicts[hit.verdict.name, default: 0] += 1
        guard let reason = hit.verdict.reason else { return }
        if let known = reasons[hit.verdict.name], known.order < hit.order { return }
        reasons[hit.verdict.name] = (hit.order, reason)
    }

    private func lowerBound(_ order: OrderKey) -> Int {
        var low = 0
        var high = hits.count
        while low < high {
            let middle = (low + high) / 2
            if hits[middle].order < order { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// By place in the run; hits at one place (several names at once) keep their order.
    private static func sort(_ hits: [Hit]) -> [Hit] {
        hits.enumerated().sorted { ($0.element.order, $0.offset) < ($1.element.order, $1.offset) }
            .map(\.element)
    }

    /// A named value, or the numbers in the text. Equal labels within one text are numbered.
    static func numbers(in hit: Hit) -> [LabelledNumber] {
        switch hit.value {
        case .number(let value): return [LabelledNumber(label: hit.name ?? "", value: value)]
        case .integer(let value): return [LabelledNumber(label: hit.name ?? "", value: Double(value))]
        default: break
        }
        var numbers = NumberScanner.numbers(in: hit.text)
        if numbers.count > 1 {
            var seen: [String: Int] = [:]
            for index in numbers.indices {
                let label = numbers[index].label
                let occurrence = seen[label, default: 0] + 1
                seen[label] = occurrence
                if occurrence > 1 { numbers[index].label = "\(label) (\(occurrence))" }
            }
        }
        return numbers
    }
}

/// Sparklines of a series as it is: clients ask for the same hints with every key.
private final class TrendCache: @unchecked Sendable {
    struct Key: Hashable {
        var label: String
        var width: Int
    }

    /// Guards what is below, which makes sharing it safe.
    private let lock = NSLock()
    private var known: [Key: String] = [:]

    func value(_ key: Key, _ make: () -> String) -> String {
        if let value = lock.withLock({ known[key] }) { return value }
        let value = make()
        lock.withLock { known[key] = value }
        return value
    }
}
