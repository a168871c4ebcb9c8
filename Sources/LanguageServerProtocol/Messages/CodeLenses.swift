/// Something the client can run through `workspace/executeCommand`.
public struct Command: Codable, Sendable, Hashable {
    public var title: String
    public var command: String
    public var arguments: [JSONValue]?

    public init(title: String, command: String, arguments: [JSONValue]?) {
        self.title = title
        self.command = command
        self.arguments = arguments
    }
}

public struct CodeLens: Codable, Sendable, Hashable {
    public var range: TextRange
    public var command: Command

    public init(range: TextRange, command: Command) {
        self.range = range
        self.command = command
    }
}

public enum CodeLensRequest: RequestMessage {
    public static let method = "textDocument/codeLens"
    public typealias Result = [CodeLens]

    public struct Parameters: Codable, Sendable {
        public var textDocument: TextDocumentIdentifier
    }
}

public enum CodeLensRefreshRequest: RequestMessage {
    public static let method = "workspace/codeLens/refresh"
    public typealias Parameters = Nothing
    public typealias Result = Nothing
}
