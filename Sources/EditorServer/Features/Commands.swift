import HindsightCore
import LanguageServerProtocol

extension EditorServer {
    func execute(_ parameters: ExecuteCommandRequest.Parameters, _ reply: Reply<JSONValue>) throws {
        guard let command = ServerCommand(rawValue: parameters.command) else {
            throw ResponseError(.invalidParams, "There is no command `\(parameters.command)`.")
        }
        guard let uri = parameters.arguments?.first?.stringValue else {
            throw ResponseError(
                .invalidParams,
                "The command `\(command.rawValue)` needs a document's URI as its first argument.")
        }
        guard let document = documents[DocumentURI(uri)] else {
            throw ResponseError(.requestFailed, "The document \(uri) is not open.")
        }
        guard let session = document.membership?.session else {
            throw ResponseError(
                .requestFailed,
                "No recorded run has loaded this file; record one with: hindsight record -- python …")
        }
        switch command {
        case .replayAll:
            replayAgain(try inquiry(session), iterations: nil, session)
            reply(.null)
        case .replayLastIteration:
            let inquiry = try inquiry(session)
            replayAgain(inquiry, iterations: try lastIteration(inquiry, session), session)
            reply(.null)
        case .cancelReplay:
            if let inquiry = session.inquiry { cancel(inquiry, session) }
            reply(.null)
        case .showRun:
            connection.notify(
                ShowMessageNotification.self,
                WindowMessage(type: .info, message: "Run \(RunText.short(session.run))"))
            reply(.string(session.run.id.description))
        case .exportValues: export(document, reply)
        }
    }

    private func inquiry(_ session: RunSession) throws -> Inquiry {
        guard let inquiry = session.inquiry else {
            throw ResponseError(.requestFailed, "There is no new log statement to replay.")
        }
        return inquiry
    }

    private func replayAgain(_ inquiry: Inquiry, iterations: IterationSelection?, _ session: RunSession) {
        endProgress(inquiry, message: nil)
        inquiry.question.iterations = iterations
        inquiry.isNarrowed = iterations != nil
        replay(inquiry, session)
        needsLensRefresh = true
        for document in documents.values where document.membership?.session === session {
            valuesChanged(in: document)
        }
    }

    /// The last iteration of every outermost loop around a probe.
    private func lastIteration(_ inquiry: Inquiry, _ session: RunSession) throws -> IterationSelection {
        let targets = Set(inquiry.probes.compactMap { $0.loops.first.flatMap(session.target) })
        guard !targets.isEmpty else {
            throw ResponseError(.requestFailed, "The new log statements stand in no loop.")
        }
        return IterationSelection(
            loops: targets.sorted().map { IterationSelection.Loop(name: $0, parts: [.last]) })
    }
}
