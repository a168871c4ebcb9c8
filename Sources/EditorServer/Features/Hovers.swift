import LanguageServerProtocol

extension EditorServer {
    func hover(_ parameters: TextDocumentPosition, _ reply: Reply<Hover?>) {
        guard let document = documents[parameters.textDocument.uri] else { return reply(nil) }
        if let hover = hover(parameters.position, in: document) { return reply(hover) }
        guard document.membership?.session != nil else { return reply(nil) }
        Task {
            let pin = await expression(at: parameters.position, in: document)
            reply(pin.flatMap { hover(over: $0, in: document) })
        }
    }

    /// What is known about a log statement or an expression on this line.
    private func hover(_ position: TextPosition, in document: OpenDocument) -> Hover? {
        let offset = document.text.offset(of: position, encoding: encoding)
        let line = document.text.lines.line(at: offset)
        let annotations = annotations(document)
        // The statement under the cursor, else one on its line: values stand at the line's end.
        let annotation =
            annotations.last { $0.range.contains(offset) || $0.range.upperBound == offset }
            ?? annotations.last { annotation in
                document.text.lines.line(at: annotation.range.lowerBound) == line
                    && !document.pins.contains { $0.range == annotation.range }
            }
        guard let annotation else { return nil }
        return Hover(
            contents: ValueTable(annotation: annotation, estimate: estimate(document), kind: markupKind)
                .content,
            range: document.text.range(of: annotation.range, encoding: encoding))
    }
}
