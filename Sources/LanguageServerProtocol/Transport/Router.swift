import Foundation

/// Which function of the server handles which message.
public struct Router<Server: Actor>: Sendable {
    /// False where the request could not be handled at all.
    typealias RequestHandler = @Sendable (Server, RequestID, Data, Connection) -> Bool
    typealias NotificationHandler = @Sendable (Server, Data, Connection) -> Void

    private(set) var requests: [String: RequestHandler] = [:]
    private(set) var notifications: [String: NotificationHandler] = [:]

    public init() {}

    /// Handles a request. The handler may keep the reply and give it later; an error it throws is the answer.
    public mutating func request<M: RequestMessage>(
        _ message: M.Type,
        _ body: @escaping @Sendable (isolated Server, M.Parameters, Reply<M.Result>) throws -> Void
    ) {
        requests[M.method] = { server, id, data, connection in
            let reply = Reply<M.Result>(id: id, connection: connection)
            let parameters: M.Parameters
            do {
                parameters = try JSONDecoder().decode(ParametersOf<M.Parameters>.self, from: data).params
            } catch {
                reply.fail(ResponseError(.invalidParams, Self.describe(error, method: M.method)))
                return false
            }
            do {
                try server.assumeIsolated { try body($0, parameters, reply) }
                return true
            } catch let error as ResponseError {
                reply.fail(error)
            } catch {
                reply.fail(ResponseError(.requestFailed, "\(error)"))
            }
            return false
        }
    }

    /// Handles a notification.
    public mutating func notification<M: NotificationMessage>(
        _ message: M.Type, _ body: @escaping @Sendable (isolated Server, M.Parameters) -> Void
    ) {
        notifications[M.method] = { server, data, connection in
            do {
                let decoded = try JSONDecoder().decode(ParametersOf<M.Parameters>.self, from: data)
                server.assumeIsolated { body($0, decoded.params) }
            } catch {
                connection.report(Self.describe(error, method: M.method))
            }
        }
    }

    private static func describe(_ error: any Error, method: String) -> String {
        let detail =
            switch error {
            case DecodingError.keyNotFound(let key, let context):
                "`\(path(context.codingPath + [key]))` is missing"
            case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context),
                DecodingError.dataCorrupted(let context):
                "`\(path(context.codingPath))`: \(context.debugDescription)"
            default: "\(error)"
            }
        return "The parameters of \(method) cannot be read: \(detail)."
    }

    private static func path(_ keys: [any CodingKey]) -> String {
        keys.map { $0.intValue.map(String.init) ?? $0.stringValue }.joined(separator: ".")
    }
}
