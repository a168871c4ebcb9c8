public struct MarkupContent: Codable, Sendable, Hashable {
    public enum Kind: String, Codable, Sendable {
        case plaintext
        case markdown
    }

    public var kind: Kind
    public var value: String

    public init(kind: Kind, value: String) {
        self.kind = kind
        self.value = value
    }
}

/// A document and a place in it.
public struct TextDocumentPosition: Codable, Sendable {
    public var textDocument: TextDocumentIdentifier
    public var position: TextPosition
}

public struct Hover: Codable, Sendable {
    public var contents: MarkupContent
    public var range: TextRange?

    public init(contents: MarkupContent, range: TextRange?) {
        self.contents = contents
        self.range = range
    }
}

public enum HoverRequest: RequestMessage {
    public static let method = "textDocument/hover"
    public typealias Parameters = TextDocumentPosition
    public typealias Result = Hover?
}
