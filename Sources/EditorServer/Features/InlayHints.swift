import LanguageServerProtocol

extension EditorServer {
    func inlayHints(_ parameters: InlayHintRequest.Parameters) -> [InlayHint] {
        guard let document = documents[parameters.textDocument.uri] else { return [] }
        let kind = markupKind
        return annotations(document).compactMap { annotation in
            let line = document.text.lines.line(
                at: max(annotation.range.lowerBound, annotation.range.upperBound - 1))
            guard
                (parameters.range.start.line...max(parameters.range.start.line, parameters.range.end.line))
                    ~= line
            else { return nil }
            let end = document.text.contentRange(ofLine: line).upperBound
            return InlayHint(
                position: document.text.position(of: end, encoding: encoding),
                label: ValueText.hint(annotation),
                tooltip: ValueTable(annotation: annotation, estimate: estimate(document), kind: kind).content,
                paddingLeft: true)
        }
    }

    /// Markdown only where the client takes it.
    var markupKind: MarkupContent.Kind {
        capabilities.hoverFormats.contains("markdown") ? .markdown : .plaintext
    }

    func estimate(_ document: OpenDocument) -> Double? { document.membership?.session?.inquiry?.estimate }
}
