import Foundation
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
            try checkIsAsked(session)
            askAgain(iterations: nil, session)
            reply(.null)
        case .replayLastIteration:
            try checkIsAsked(session)
            askAgain(iterations: try lastIteration(session), session)
            reply(.null)
        case .replayIterations:
            try checkIsAsked(session)
            guard let specification = parameters.arguments?.dropFirst().first?.stringValue else {
                throw ResponseError(
                    .invalidParams,
                    "The command `\(command.rawValue)` needs iterations as its second argument, as in "
                        + "epoch=30..40,step=0.")
            }
            do {
                askAgain(iterations: try IterationSelection(parsing: specification), session)
            } catch {
                throw ResponseError(.invalidParams, "\(error)")
            }
            reply(.null)
        case .showHistory:
            let position: TextPosition = try argument(parameters)
            Task {
                guard let pin = await expression(at: position, in: document) else {
                    return reply.fail(
                        ResponseError(
                            .requestFailed,
                            "There is no name or attribute in a loop or a function at this place."))
                }
                show(pin, in: document)
                reply(.null)
            }
        case .hideHistory:
            hideHistories(try argument(parameters), in: document)
            reply(.null)
        case .cancelReplay:
            for inquiry in session.inquiries { cancel(inquiry, session) }
            reply(.null)
        case .showRun:
            connection.notify(
                ShowMessageNotification.self,
                WindowMessage(type: .info, message: "Run \(RunText.short(session.run))"))
            reply(.string(session.run.id.description))
        case .exportValues: export(document, reply)
        }
    }

    /// The second argument.
    private func argument<Value: Decodable>(_ parameters: ExecuteCommandRequest.Parameters) throws -> Value {
        do {
            let value = parameters.arguments?.dropFirst().first ?? .null
            return try JSONDecoder().decode(Value.self, from: JSONEncoder().encode(value))
        } catch {
            throw ResponseError(
                .invalidParams,
                "The command `\(parameters.command)` needs a place in the document as its second argument.")
        }
    }

    private func checkIsAsked(_ session: RunSession) throws {
        if session.asked == nil {
            throw ResponseError(.requestFailed, "There is no new log statement to replay.")
        }
    }

    /// The last iteration of every outermost loop around a probe.
    private func lastIteration(_ session: RunSession) throws -> IterationSelection {
        let loops = session.inquiries.flatMap(\.loops)
        let targets = Set(loops.compactMap { $0.first.flatMap(session.target) })
        guard !targets.isEmpty else {
            throw ResponseError(.requestFailed, "The new log statements stand in no loop.")
        }
        return IterationSelection(
            loops: targets.sorted().map { IterationSelection.Loop(name: $0, parts: [.last]) })
    }
}
