import HindsightCore

/// Values in words and tables, as hints, hovers and diagnostics show them.
enum ValueText {
    /// A short text behind the statement: `gnorm 0.7312 ▇▅▃▂▁ ×50 ✓`.
    static func hint(_ annotation: Annotation) -> String {
        let series = annotation.series
        if let failure = annotation.failure, series.isEmpty { return "✗ \(firstLine(failure, limit: 60))" }
        guard let last = series.last else { return state(annotation) ?? "no hits" }
        var parts: [String] = []
        let columns = series.measurements.prefix(2)
        if columns.isEmpty || series.columns.count > 6 {
            parts.append(firstLine(last.name.map { "\($0)=\(last.text)" } ?? last.text, limit: 60))
        } else {
            for column in columns {
                let value = column.last.map { NumberText.rounded($0.value) } ?? ""
                let trend = series.trend(of: column, width: 8)
                parts.append([column.label, value, trend].filter { !$0.isEmpty }.joined(separator: " "))
            }
        }
        if series.count > 1 { parts.append("×\(count(annotation))") }
        if annotation.isReplayed { parts.append(mark(annotation)) }
        return parts.joined(separator: " ")
    }

    /// One line: the last value whole, then what else there is.
    static func message(_ annotation: Annotation) -> String {
        let series = annotation.series
        guard let last = series.last else {
            if let failure = annotation.failure { return "The statement raised \(failure)." }
            return sentence(annotation) ?? "The run never came here: no hits."
        }
        var details: [String] = []
        if series.count > 1 { details.append("last of \(count(annotation))") }
        let columns = series.measurements
        if columns.count == 1, let column = columns.first, column.finiteCount > 1 {
            details.append("min \(NumberText.rounded(column.minimum))")
            details.append("max \(NumberText.rounded(column.maximum))")
        }
        details.append(annotation.isReplayed ? verdict(series) : "recorded")
        if let state = state(annotation) { details.append(state) }
        details.append("run \(annotation.run.id)")
        return "\(value(last)) (\(details.joined(separator: ", ")))"
    }

    /// How many values there are: `100000 of 250000` where not all are kept.
    private static func count(_ annotation: Annotation) -> String {
        let kept = annotation.series.count
        return annotation.count.map { "\(kept) of \($0)" } ?? "\(kept)"
    }

    /// The hit's text; with its name where the statement names values.
    static func value(_ hit: Hit) -> String {
        guard let name = hit.name, !hit.text.contains(name) else { return hit.text }
        return "\(name)=\(hit.text)"
    }

    /// `epoch 3, step 17`.
    static func place(_ hit: Hit) -> String {
        hit.iterations.map { iteration in
            switch iteration.value {
            case .integer(let value): "\(iteration.loop)=\(value)"
            case .number(let value): "\(iteration.loop)=\(NumberText.whole(value))"
            case .string(let value): "\(iteration.loop)=\(firstLine(value, limit: 20))"
            case .bool(let value): "\(iteration.loop)=\(value)"
            case .null: "\(iteration.loop) #\(iteration.index)"
            }
        }.joined(separator: ", ")
    }

    /// The verdicts of all hits: `exact`, or how many of each.
    static func verdict(_ series: Series) -> String {
        let present = ["exact", "provisional", "diverged", "unverifiable"].filter {
            series.verdicts[$0, default: 0] > 0
        }
        if present.count == 1 { return present[0] }
        return present.map { "\(series.verdicts[$0]!) \($0)" }.joined(separator: ", ")
    }

    /// `✓` exact, `~` not checked yet, `≠` diverged, `?` unverifiable; `…` while more may come.
    static func mark(_ annotation: Annotation) -> String {
        let verdicts = annotation.series.verdicts
        let worst =
            verdicts["diverged", default: 0] > 0
            ? "≠"
            : verdicts["unverifiable", default: 0] > 0
                ? "?" : verdicts["provisional", default: 0] > 0 ? "~" : "✓"
        switch annotation.state {
        case .complete: return worst
        case .running, .checking, .unconfirmed: return worst + "…"
        case .waiting, .cancelled, .failed: return worst + " (partial)"
        }
    }

    /// What the replay is doing, in a word or two; nil where it is done.
    static func state(_ annotation: Annotation) -> String? {
        switch annotation.state {
        case .complete: nil
        case .running: annotation.series.isEmpty ? "replaying…" : "partial, replaying…"
        case .checking: "checking…"
        case .waiting: "not replayed yet"
        case .cancelled: annotation.series.isEmpty ? "replay cancelled" : "partial, cancelled"
        case .failed: annotation.series.isEmpty ? "replay failed" : "partial, replay failed"
        case .unconfirmed: annotation.series.isEmpty ? "…" : "as of the text before"
        }
    }

    /// The same as a sentence.
    static func sentence(_ annotation: Annotation) -> String? {
        switch annotation.state {
        case .complete: nil
        case .running: "Replaying run \(annotation.run.id)…"
        case .checking: "Every value is there; run \(annotation.run.id) is replayed further to check them."
        case .waiting: "Not replayed yet; run the action “Replay all iterations”."
        case .cancelled: "The replay was cancelled; run the action “Replay all iterations” to start it again."
        case .failed(let sentence): "The replay failed: \(sentence)"
        case .unconfirmed: "The text is being edited."
        }
    }

    static func firstLine(_ text: String, limit: Int) -> String {
        let line = text.split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false).first ?? ""
        let isWhole = line.count <= limit && line.utf8.count == text.utf8.count
        return isWhole ? text : String(line.prefix(limit)) + "…"
    }
}
