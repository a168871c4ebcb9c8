import LanguageServerProtocol

extension EditorServer {
    func hover(_ parameters: TextDocumentPosition) -> Hover? {
        guard let document = documents[parameters.textDocument.uri] else { return nil }
        let offset = document.text.offset(of: parameters.position, encoding: encoding)
        let line = document.text.lines.line(at: offset)
        let annotations = annotations(document)
        // The statement under the cursor, else one on its line: values stand at the line's end.
        let annotation =
            annotations.last { $0.range.contains(offset) || $0.range.upperBound == offset }
            ?? annotations.last { document.text.lines.line(at: $0.range.lowerBound) == line }
        guard let annotation else { return nil }
        return Hover(
            contents: ValueTable(annotation: annotation, estimate: estimate(document), kind: markupKind)
                .content,
            range: document.text.range(of: annotation.range, encoding: encoding))
    }
}
