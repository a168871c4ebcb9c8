import LanguageServerProtocol

/// Values as diagnostics, which every client shows.
extension EditorServer {
    private static let source = "hindsight"

    func publishDiagnostics(_ document: OpenDocument) {
        let diagnostics = diagnostics(document)
        if let published = document.published, published.version == document.version,
            published.diagnostics == diagnostics
        {
            return
        }
        // A file that no run has loaded shows nothing, not even an empty list again and again.
        if diagnostics.isEmpty, document.membership?.session == nil,
            document.published?.diagnostics.isEmpty ?? true
        {
            return
        }
        document.published = (document.version, diagnostics)
        connection.notify(
            PublishDiagnosticsNotification.self,
            PublishDiagnosticsNotification.Parameters(
                uri: document.uri, version: document.version, diagnostics: diagnostics))
    }

    func diagnostics(_ document: OpenDocument) -> [Diagnostic] {
        guard document.membership?.session != nil else { return [] }
        var diagnostics: [Diagnostic] = []
        func add(_ range: Range<Int>, _ severity: DiagnosticSeverity, _ code: String, _ message: String) {
            diagnostics.append(
                Diagnostic(
                    range: document.text.range(of: range, encoding: encoding), severity: severity, code: code,
                    source: Self.source, message: message))
        }
        for annotation in annotations(document) {
            if let severity = valueSeverity {
                add(
                    annotation.range, severity, annotation.isReplayed ? "replayed" : "recorded",
                    ValueText.message(annotation))
            }
            if let failure = annotation.failure {
                add(annotation.range, .warning, "raised", "The statement raised \(failure).")
            }
            if let reason = annotation.series.reason(for: "diverged") {
                add(annotation.range, .warning, "diverged", "The replay diverged from the run: \(reason)")
            }
            for column in annotation.series.columns {
                guard let hit = column.firstNonFinite else { continue }
                let place = ValueText.place(hit)
                add(
                    annotation.range, .warning, "non-finite",
                    "First NaN or infinity\(place.isEmpty ? "" : " at \(place)"): \(ValueText.value(hit))")
                break
            }
        }
        for remark in document.remarks {
            switch remark.kind {
            case .changed:
                add(
                    remark.range, .hint, "changed",
                    "The source has changed since this run. \(remark.message)")
            // Nobody need have expected an answer there.
            case .unloaded: add(remark.range, .hint, "unloaded", remark.message)
            case .unanswerable: add(remark.range, .information, "unanswerable", remark.message)
            }
        }
        return diagnostics
    }

    /// A problems list must not be flooded where the client has a better place for values.
    private var valueSeverity: DiagnosticSeverity? {
        switch settings.diagnostics {
        case .automatic: capabilities.hasInlayHints ? .hint : .information
        case .hint: .hint
        case .information: .information
        case .off: nil
        }
    }
}
