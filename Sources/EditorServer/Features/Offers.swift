import LanguageServerProtocol

/// What can be done with a document now: the same list as code lenses and as code actions.
extension EditorServer {
    struct Offer {
        var title: String
        var command: ServerCommand
        /// What the lens says; nil where the offer is only an action.
        var lens: String?
        /// Behind the document's URI.
        var arguments: [JSONValue] = []
    }

    static let actionKind = "source.hindsight"

    func offers(_ document: OpenDocument) -> [Offer] {
        guard let session = document.membership?.session else { return [] }
        var offers = [
            Offer(
                title: "Hindsight: show the run", command: .showRun,
                lens: "run \(RunText.short(session.run))")
        ]
        if !session.inquiries.isEmpty {
            let cost = estimate(document).map { " (about \(NumberText.duration($0)))" } ?? ""
            if let running = session.inquiries.first(where: \.isRunning) {
                let progress = running.progress.map { ": \($0.message)" } ?? ""
                offers.append(
                    Offer(
                        title: "Hindsight: cancel the replay", command: .cancelReplay,
                        lens: "cancel the replay\(progress)"))
            } else {
                offers.append(
                    Offer(
                        title: "Hindsight: replay all iterations\(cost)", command: .replayAll,
                        lens: "replay all\(cost)"))
            }
            if session.inquiries.contains(where: { $0.loops.contains { !$0.isEmpty } }) {
                offers.append(
                    Offer(
                        title: "Hindsight: replay only the last iteration", command: .replayLastIteration,
                        lens: "only the last iteration"))
            }
        }
        if !annotations(document).allSatisfy(\.series.isEmpty) {
            offers.append(
                Offer(
                    title: "Hindsight: export all values as CSV", command: .exportValues, lens: "export CSV"))
        }
        return offers
    }

    func codeLenses(_ parameters: CodeLensRequest.Parameters) -> [CodeLens] {
        guard let document = documents[parameters.textDocument.uri] else { return [] }
        let start = TextPosition(line: 0, character: 0)
        return offers(document).compactMap { offer in
            offer.lens.map { lens in
                CodeLens(range: TextRange(start: start, end: start), command: command(offer, lens, document))
            }
        }
    }

    func codeActions(_ parameters: CodeActionRequest.Parameters, _ reply: Reply<[CodeAction]>) {
        guard let document = documents[parameters.textDocument.uri] else { return reply([]) }
        if let only = parameters.context?.only, !only.isEmpty,
            !only.contains(where: {
                Self.actionKind == $0 || Self.actionKind.hasPrefix($0 + ".") || $0.isEmpty
            })
        {
            return reply([])
        }
        let general = offers(document) + loopOffers(document, parameters.range)
        guard document.membership?.session != nil else { return reply(actions(general, document)) }
        Task {
            let history = await historyOffers(document, parameters.range)
            reply(actions(general + history, document))
        }
    }

    private func actions(_ offers: [Offer], _ document: OpenDocument) -> [CodeAction] {
        offers.map { offer in
            let command = command(offer, offer.title, document)
            return capabilities.hasCodeActionLiterals
                ? .action(title: offer.title, kind: Self.actionKind, command: command) : .command(command)
        }
    }

    /// On a loop's line: its first iteration, or its last.
    private func loopOffers(_ document: OpenDocument, _ range: TextRange) -> [Offer] {
        guard document.membership?.session?.asked != nil else { return [] }
        let headers = document.loops.filter {
            range.touches(document.text.range(of: $0.range, encoding: encoding))
        }
        return headers.flatMap { header in
            [("first", "0"), ("last", "last")].map { name, part in
                Offer(
                    title: "Hindsight: replay only the \(name) iteration of \(header.target)",
                    command: .replayIterations, arguments: [.string("\(header.name)=\(part)")])
            }
        }
    }

    /// On a name or an attribute in a loop or a function: its history.
    private func historyOffers(_ document: OpenDocument, _ range: TextRange) async -> [Offer] {
        var offers: [Offer] = []
        if let pin = await expression(at: range.start, in: document), !document.pins.contains(pin) {
            let place = document.text.range(of: pin.range, encoding: encoding).start
            offers.append(
                Offer(
                    title: Self.showTitle(pin), command: .showHistory,
                    arguments: [
                        ["line": .integer(place.line), "character": .integer(place.character)]
                    ]))
        }
        for pin in document.pins {
            let place = document.text.range(of: pin.range, encoding: encoding)
            guard place.start.line <= range.end.line, range.start.line <= place.end.line else { continue }
            let (start, end) = (place.start, place.end)
            offers.append(
                Offer(
                    title: "Hindsight: hide the history of \(pin.expression)", command: .hideHistory,
                    arguments: [
                        [
                            "start": ["line": .integer(start.line), "character": .integer(start.character)],
                            "end": ["line": .integer(end.line), "character": .integer(end.character)],
                        ]
                    ]))
        }
        return offers
    }

    private func command(_ offer: Offer, _ title: String, _ document: OpenDocument) -> Command {
        Command(
            title: title, command: offer.command.rawValue,
            arguments: [.string(document.uri.description)] + offer.arguments)
    }
}
