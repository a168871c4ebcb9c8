import Foundation
import HindsightCore
import LanguageServerProtocol

/// The long form of a statement's values: a table, a sparkline for each number, verdict, run and cost.
struct ValueTable {
    var annotation: Annotation
    /// Seconds that a replay of the question takes.
    var estimate: Double?
    var kind: MarkupContent.Kind

    var content: MarkupContent { MarkupContent(kind: kind, value: text) }

    private var text: String {
        let series = annotation.series
        var parts: [String] = []
        if let failure = annotation.failure { parts.append(escape("The statement raised \(failure).")) }
        if let sentence = ValueText.sentence(annotation) { parts.append(escape(sentence)) }
        if let first = series.first, let last = series.last {
            let columns = series.measurements
            if columns.isEmpty {
                parts.append(block([("first", first), ("last", last)]))
                parts.append("\(series.count) \(series.count == 1 ? "hit" : "hits")")
            } else {
                parts.append(table(columns))
                parts.append(contentsOf: columns.prefix(6).compactMap(trend))
                parts.append(
                    block(series.count > 1 ? [("first", first), ("last", last)] : [("value", last)]))
            }
            for column in columns {
                guard let hit = column.firstNonFinite else { continue }
                let place = ValueText.place(hit)
                parts.append(
                    escape(
                        "First NaN or infinity\(place.isEmpty ? "" : " at \(place)"): \(ValueText.value(hit))"
                    ))
            }
        } else if annotation.state == .complete, annotation.failure == nil {
            parts.append("The run never came here: no hits.")
        }
        if let count = annotation.count {
            parts.append("The first \(series.count) of \(count) values are kept (setting hindsight.limit).")
        }
        parts.append(escape(footer))
        return parts.joined(separator: "\n\n")
    }

    private func table(_ columns: [Column]) -> String {
        let head = ["", "first", "last", "min", "max", "mean", "hits"]
        let rows = columns.map { column in
            [
                column.label.isEmpty ? "value" : column.label,
                column.first.map { NumberText.whole($0.value) } ?? "",
                column.last.map { NumberText.whole($0.value) } ?? "",
                column.finiteCount > 0 ? NumberText.whole(column.minimum) : "",
                column.finiteCount > 0 ? NumberText.whole(column.maximum) : "",
                column.finiteCount > 0 ? String(format: "%.6g", column.mean) : "",
                String(column.count),
            ]
        }
        switch kind {
        case .markdown:
            let lines = ([head] + rows).map { "| " + $0.map(cell).joined(separator: " | ") + " |" }
            let rule = "|" + head.map { $0.isEmpty ? " :--- |" : " ---: |" }.joined()
            return ([lines[0], rule] + lines.dropFirst()).joined(separator: "\n")
        case .plaintext:
            let widths = head.indices.map { index in ([head] + rows).map { $0[index].count }.max() ?? 0 }
            return ([head] + rows).map { row in
                zip(row, widths).enumerated().map { index, cell in
                    let space = String(repeating: " ", count: cell.1 - cell.0.count)
                    return index == 0 ? cell.0 + space : space + cell.0
                }.joined(separator: "  ")
            }.joined(separator: "\n")
        }
    }

    private func trend(_ column: Column) -> String? {
        let line = annotation.series.trend(of: column, width: 40)
        guard !line.isEmpty else { return nil }
        let label = column.label.isEmpty ? "" : " \(column.label)"
        return kind == .markdown ? "`\(line)`\(escape(label))" : line + label
    }

    /// Values whole, in a block that nothing in them can break out of.
    private func block(_ hits: [(String, Hit)]) -> String {
        let width = hits.map(\.0.count).max() ?? 0
        let lines = hits.map { label, hit -> String in
            let place = ValueText.place(hit)
            let head = label.padding(toLength: width, withPad: " ", startingAt: 0)
            return "\(head)  \(ValueText.value(hit))\(place.isEmpty ? "" : "   (\(place))")"
        }.joined(separator: "\n")
        guard kind == .markdown else { return lines }
        var fence = "```"
        while lines.contains(fence) { fence += "`" }
        return "\(fence)text\n\(lines)\n\(fence)"
    }

    private var footer: String {
        let run = annotation.run
        var parts: [String] = []
        if annotation.isReplayed {
            if !annotation.series.isEmpty {
                parts.append("Verdict: \(ValueText.verdict(annotation.series))")
                for verdict in ["diverged", "unverifiable", "provisional"] {
                    if let reason = annotation.series.reason(for: verdict), !reason.isEmpty {
                        parts.append("\(verdict): \(reason)")
                    }
                }
            }
        } else {
            parts.append("Recorded by the run itself")
        }
        parts.append("Run \(RunText.short(run))")
        if annotation.isReplayed, let estimate {
            parts.append("Full replay: about \(NumberText.duration(estimate))")
        }
        return parts.joined(separator: kind == .markdown ? "  \n" : "\n")
    }

    private func cell(_ text: String) -> String { escape(text).replacingOccurrences(of: "|", with: "\\|") }

    /// What a log statement wrote must not become formatting.
    private func escape(_ text: String) -> String {
        guard kind == .markdown else { return text }
        var escaped = ""
        for character in text {
            if "\\`*_{}[]<>#".contains(character) { escaped.append("\\") }
            escaped.append(character)
        }
        return escaped
    }
}
