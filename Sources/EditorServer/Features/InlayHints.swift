import LanguageServerProtocol

extension EditorServer {
    func inlayHints(_ parameters: InlayHintRequest.Parameters) -> [InlayHint] {
        guard let document = documents[parameters.textDocument.uri] else { return [] }
        let kind = markupKind
        let estimate = estimate(document)
        let places = hintPlaces(document, parameters.range)
        document.sentHints = (parameters.range, places.map(\.hint))
        return places.map { place in
            var hint = place.hint
            hint.tooltip = ValueTable(annotation: place.annotation, estimate: estimate, kind: kind).content
            return hint
        }
    }

    /// Whether the client shows hints that are no longer what they were.
    func hasOutdatedHints(_ document: OpenDocument) -> Bool {
        guard let (range, hints) = document.sentHints else { return false }
        return hintPlaces(document, range).map(\.hint) != hints
    }

    /// The hints of some lines, without their tooltips.
    private func hintPlaces(
        _ document: OpenDocument, _ range: TextRange
    ) -> [(hint: InlayHint, annotation: Annotation)] {
        annotations(document).compactMap { annotation in
            let last = max(annotation.range.lowerBound, annotation.range.upperBound - 1)
            let line = document.text.lines.line(at: last)
            guard (range.start.line...max(range.start.line, range.end.line)) ~= line else { return nil }
            let end = document.text.contentRange(ofLine: line).upperBound
            let hint = InlayHint(
                position: document.text.position(of: end, encoding: encoding),
                label: ValueText.hint(annotation), tooltip: nil, paddingLeft: true)
            return (hint, annotation)
        }
    }

    /// Markdown only where the client takes it.
    var markupKind: MarkupContent.Kind {
        capabilities.hoverFormats.contains("markdown") ? .markdown : .plaintext
    }

    /// Seconds that replaying all probes takes, where it is known.
    func estimate(_ document: OpenDocument) -> Double? {
        guard let inquiries = document.membership?.session?.inquiries, !inquiries.isEmpty else { return nil }
        return inquiries.reduce(0) { sum, inquiry in
            guard let sum, let estimate = inquiry.estimate else { return nil }
            return sum + estimate
        }
    }
}
