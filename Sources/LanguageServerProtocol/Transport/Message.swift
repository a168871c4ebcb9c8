import Foundation

/// A request of the protocol: its method and its two shapes.
public protocol RequestMessage: SendableMetatype {
    associatedtype Parameters: Codable & Sendable
    associatedtype Result: Codable & Sendable
    static var method: String { get }
}

/// A notification of the protocol: its method and its shape.
public protocol NotificationMessage: SendableMetatype {
    associatedtype Parameters: Codable & Sendable
    static var method: String { get }
}

/// Parameters or a result that carry nothing: null, an empty object and no member at all are the same.
public struct Nothing: Hashable, Sendable, Codable {
    public init() {}
    public init(from decoder: any Decoder) throws {}

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encodeNil()
    }
}

/// What a message is, before its parameters are looked at.
struct Envelope: Decodable {
    enum Kind {
        case request(RequestID, method: String)
        case notification(method: String)
        case response(RequestID, isError: Bool)
        /// An error response whose request the client could not name.
        case anonymousError
        case invalid(RequestID?, String)
    }

    let kind: Kind

    private enum Key: String, CodingKey { case jsonrpc, id, method, result, error }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        let hasID = try container.contains(.id) && !container.decodeNil(forKey: .id)
        let id = hasID ? try? container.decode(RequestID.self, forKey: .id) : nil
        let version = try? container.decode(String.self, forKey: .jsonrpc)
        guard version == "2.0" else {
            kind = .invalid(id, "The member `jsonrpc` must be \"2.0\".")
            return
        }
        if hasID, id == nil {
            kind = .invalid(nil, "The member `id` must be an integer or a string.")
            return
        }
        if container.contains(.method) {
            guard let method = try? container.decode(String.self, forKey: .method) else {
                kind = .invalid(id, "The member `method` must be a string.")
                return
            }
            kind = id.map { .request($0, method: method) } ?? .notification(method: method)
        } else if container.contains(.error) || container.contains(.result) {
            kind = id.map { .response($0, isError: container.contains(.error)) } ?? .anonymousError
        } else {
            kind = .invalid(id, "A message needs a `method`, a `result` or an `error`.")
        }
    }
}

/// The parameters of a message whose method is known.
struct ParametersOf<Parameters: Decodable>: Decodable {
    let params: Parameters

    private enum Key: String, CodingKey { case params }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        if let nothing = Nothing() as? Parameters {
            params = nothing
        } else {
            params = try container.decode(Parameters.self, forKey: .params)
        }
    }
}

/// The result or the error of a response.
struct ResultOf<Value: Decodable>: Decodable {
    let result: Result<Value, ResponseError>

    private enum Key: String, CodingKey { case result, error }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        if let error = try container.decodeIfPresent(ResponseError.self, forKey: .error) {
            result = .failure(error)
        } else if let nothing = Nothing() as? Value {
            result = .success(nothing)
        } else {
            result = .success(try container.decode(Value.self, forKey: .result))
        }
    }
}

struct OutgoingRequest<Parameters: Encodable>: Encodable {
    let jsonrpc = "2.0"
    let id: RequestID
    let method: String
    let params: Parameters
}

struct OutgoingNotification<Parameters: Encodable>: Encodable {
    let jsonrpc = "2.0"
    let method: String
    let params: Parameters
}

struct OutgoingResult<Value: Encodable>: Encodable {
    let jsonrpc = "2.0"
    let id: RequestID
    let result: Value
}

struct OutgoingError: Encodable {
    let id: RequestID?
    let error: ResponseError

    private enum Key: String, CodingKey { case jsonrpc, id, error }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode("2.0", forKey: .jsonrpc)
        // Null where the request could not be read: the member must be there.
        try container.encode(id, forKey: .id)
        try container.encode(error, forKey: .error)
    }
}
