import HindsightCore
import LanguageServerProtocol
import PythonSource

/// The history of what is named in the text, without a statement that asks for it.
extension EditorServer {
    /// What is named at a place, where a run can tell its history; nil where nothing is.
    func expression(at position: TextPosition, in document: OpenDocument) async -> Pin? {
        guard let membership = document.membership, let session = membership.session else { return nil }
        let text = document.text
        let revision = document.revision
        let offset = text.offset(of: position, encoding: encoding)
        let line = text.lines.line(at: offset)
        let column = offset - text.contentRange(ofLine: line).lowerBound
        do {
            guard
                let found = try await membership.project.archive.expression(
                    session.run, in: Self.pythonText(text), line: line + 1, column: column),
                document.revision == revision
            else { return nil }
            let comment = Self.bytes(
                text, line: found.commentLine, column: found.commentColumn, endLine: found.commentLine,
                endColumn: found.commentColumn)
            return Pin(
                expression: found.expression,
                range: Self.bytes(
                    text, line: found.line, column: found.column, endLine: found.endLine,
                    endColumn: found.endColumn), comment: comment.lowerBound)
        } catch {
            log("What is named at line \(line + 1) cannot be found out: \(error)")
            return nil
        }
    }

    /// Shows the history of an expression beside its line from now on.
    func show(_ pin: Pin, in document: OpenDocument) {
        guard !document.pins.contains(pin) else { return }
        document.pins.append(pin)
        pinsChanged(document)
    }

    /// Takes back what was shown for expressions on the lines of a range.
    func hideHistories(_ range: TextRange, in document: OpenDocument) {
        document.pins.removeAll { range.touches(document.text.range(of: $0.range, encoding: encoding)) }
        pinsChanged(document)
    }

    private func pinsChanged(_ document: OpenDocument) {
        if let session = document.membership?.session { scheduleAnalysis(of: session, after: .zero) }
    }

    /// What a hover over a name offers, or begins where the user has set so.
    func hover(over pin: Pin, in document: OpenDocument) -> Hover? {
        guard let run = document.membership?.session?.run else { return nil }
        var sentence =
            "The action “\(Self.showTitle(pin))” shows the values that it had in run \(RunText.short(run))."
        if settings.hoverReplays {
            document.pins.removeAll { $0 == document.hoverPin }
            document.hoverPin = pin
            show(pin, in: document)
            sentence = "Its values in run \(RunText.short(run)) are being replayed; hover again to see them."
        }
        return Hover(
            contents: MarkupContent(kind: markupKind, value: sentence),
            range: document.text.range(of: pin.range, encoding: encoding))
    }

    static func showTitle(_ pin: Pin) -> String { "Hindsight: show the history of \(pin.expression)" }
}
