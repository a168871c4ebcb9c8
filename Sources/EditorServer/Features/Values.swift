import HindsightCore
import LanguageServerProtocol

/// The one request beyond the protocol: all values of a document.
enum ValuesRequest: RequestMessage {
    static let method = "hindsight/values"

    struct Parameters: Codable, Sendable {
        var textDocument: TextDocumentIdentifier
        var range: TextRange?
    }

    struct Result: Codable, Sendable {
        var version: Int?
        var complete: Bool
        var hits: [JSONValue]
        var problem: String?
    }
}

extension EditorServer {
    /// What is known for the text as it is now. Replayed values are given only when an analysis has confirmed
    /// that they belong to this text; until then, and while more may come, the answer is not complete.
    func values(_ parameters: ValuesRequest.Parameters, _ reply: Reply<ValuesRequest.Result>) {
        guard let document = documents[parameters.textDocument.uri] else {
            return reply.fail(
                ResponseError(.requestFailed, "The document \(parameters.textDocument.uri) is not open."))
        }
        var statements: [(line: Int, annotation: Annotation)] = []
        for annotation in annotations(document) where annotation.state != .unconfirmed {
            let range = document.text.range(of: annotation.range, encoding: encoding)
            if let wanted = parameters.range, !wanted.touches(range) { continue }
            statements.append((range.start.line + 1, annotation))
        }
        let version = document.version
        let isComplete = isComplete(document, range: parameters.range)
        let problem = isComplete ? nil : problem(document)
        let path = document.membership?.path ?? ""
        // A hundred thousand hits take a while to write; nobody else has to wait for that.
        Task.detached { [statements] in
            var hits: [(order: OrderKey, statement: Int, hit: Hit)] = []
            for (index, statement) in statements.enumerated() {
                hits.append(contentsOf: statement.annotation.series.hits.map { ($0.order, index, $0) })
            }
            hits.sort { ($0.order, $0.statement) < ($1.order, $1.statement) }
            Self.order(&hits, pass: { statements[$0].annotation.pass })
            var json = HitJSON()
            json.raw(#"{"version":\#(version),"complete":\#(isComplete),"hits":["#)
            for (index, entry) in hits.enumerated() {
                if index > 0 { json.raw(",") }
                let statement = statements[entry.statement]
                var hit = entry.hit
                hit.file = path
                json.append(
                    hit, run: statement.annotation.run.id, line: statement.line,
                    source: statement.annotation.isReplayed ? "replayed" : "recorded")
            }
            json.raw("]")
            if let problem {
                json.raw(#","problem":"#)
                json.append(problem)
            }
            json.raw("}")
            reply.raw(json.bytes)
        }
    }

    /// Within one slot hits of several passes are known to stand in the order of the text (see
    /// `SeparateAnswers`).
    private static func order(
        _ hits: inout [(order: OrderKey, statement: Int, hit: Hit)], pass: (Int) -> Int?
    ) {
        var start = 0
        while start < hits.count {
            let slot = hits[start].order.components.dropLast()
            var end = start + 1
            while end < hits.count, hits[end].order.components.dropLast() == slot { end += 1 }
            let passes = Set(hits[start..<end].compactMap { pass($0.statement) })
            if passes.count > 1 { hits[start..<end].sort { $0.statement < $1.statement } }
            start = end
        }
    }

    private func isComplete(_ document: OpenDocument, range: TextRange?) -> Bool {
        guard document.isPython else { return true }
        guard let membership = document.membership else { return !document.isBeingPlaced }
        guard let session = membership.session else { return true }
        guard document.isAnalyzed else { return false }
        return document.placements.all.allSatisfy { placement in
            guard case .probe(let name) = placement.statement else { return true }
            if let range {
                let place = document.text.range(of: placement.range, encoding: encoding)
                guard range.touches(place) else { return true }
            }
            return session.inquiry(for: name).map { inquiry in
                let isThere = inquiry.phase == .finished || inquiry.phase == .running && inquiry.isWhole
                return isThere && !inquiry.isNarrowed
            } ?? false
        }
    }

    private func problem(_ document: OpenDocument) -> String? {
        guard let session = document.membership?.session else { return nil }
        if document.isAnalyzed {
            for inquiry in session.inquiries {
                if case .failed(let sentence) = inquiry.phase { return sentence }
            }
        }
        return session.problem
    }
}
