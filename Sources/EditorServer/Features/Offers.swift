import LanguageServerProtocol

/// What can be done with a document now: the same list as code lenses and as code actions.
extension EditorServer {
    struct Offer {
        var title: String
        var command: ServerCommand
        var lens: String
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
        return offers(document).map { offer in
            CodeLens(
                range: TextRange(start: start, end: start), command: command(offer, offer.lens, document))
        }
    }

    func codeActions(_ parameters: CodeActionRequest.Parameters) -> [CodeAction] {
        guard let document = documents[parameters.textDocument.uri] else { return [] }
        if let only = parameters.context?.only, !only.isEmpty,
            !only.contains(where: {
                Self.actionKind == $0 || Self.actionKind.hasPrefix($0 + ".") || $0.isEmpty
            })
        {
            return []
        }
        return offers(document).map { offer in
            let command = command(offer, offer.title, document)
            return capabilities.hasCodeActionLiterals
                ? .action(title: offer.title, kind: Self.actionKind, command: command) : .command(command)
        }
    }

    private func command(_ offer: Offer, _ title: String, _ document: OpenDocument) -> Command {
        Command(
            title: title, command: offer.command.rawValue, arguments: [.string(document.uri.description)])
    }
}
