import Foundation

/// The duty to answer one request. Only the first answer is sent; one that is given up without an answer
/// becomes an internal error, so that every request is answered exactly once.
public final class Reply<Value: Codable & Sendable>: Sendable {
    public let id: RequestID
    private let connection: Connection

    init(id: RequestID, connection: Connection) {
        self.id = id
        self.connection = connection
    }

    deinit {
        if connection.settle(id) {
            connection.write(
                OutgoingError(id: id, error: ResponseError(.internalError, "The request was given up.")))
        }
    }

    /// Whether the client has taken the request back. Its answer is an error then, whatever is given here.
    public var isCancelled: Bool { connection.isCancelled(id) }

    /// Answers with a result.
    public func callAsFunction(_ value: Value) {
        if isCancelled { return fail(.cancelled) }
        guard connection.settle(id) else { return }
        if !connection.write(OutgoingResult(id: id, result: value)) {
            let error = ResponseError(.internalError, "The answer could not be written as JSON.")
            connection.write(OutgoingError(id: id, error: error))
        }
    }

    /// Answers with a result that is JSON already.
    public func raw(_ json: [UInt8]) {
        if isCancelled { return fail(.cancelled) }
        guard connection.settle(id), let head = try? JSONEncoder().encode(id) else { return }
        var body = Data(#"{"jsonrpc":"2.0","id":"#.utf8)
        body.append(head)
        body.append(contentsOf: #","result":"#.utf8)
        body.append(contentsOf: json)
        body.append(contentsOf: "}".utf8)
        connection.write(body)
    }

    /// Answers with an error.
    public func fail(_ error: ResponseError) {
        guard connection.settle(id) else { return }
        connection.write(OutgoingError(id: id, error: error))
    }
}

extension ResponseError {
    static let cancelled = ResponseError(.requestCancelled, "The client cancelled this request.")
}
