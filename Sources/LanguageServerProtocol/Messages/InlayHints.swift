public struct InlayHint: Codable, Sendable, Hashable {
    public var position: TextPosition
    public var label: String
    public var tooltip: MarkupContent?
    public var paddingLeft: Bool

    public init(position: TextPosition, label: String, tooltip: MarkupContent?, paddingLeft: Bool) {
        self.position = position
        self.label = label
        self.tooltip = tooltip
        self.paddingLeft = paddingLeft
    }
}

public enum InlayHintRequest: RequestMessage {
    public static let method = "textDocument/inlayHint"
    public typealias Result = [InlayHint]

    public struct Parameters: Codable, Sendable {
        public var textDocument: TextDocumentIdentifier
        public var range: TextRange
    }
}

public enum InlayHintRefreshRequest: RequestMessage {
    public static let method = "workspace/inlayHint/refresh"
    public typealias Parameters = Nothing
    public typealias Result = Nothing
}
