public enum DiagnosticSeverity: Int, Codable, Sendable {
    case error = 1
    case warning = 2
    case information = 3
    case hint = 4
}

public struct Diagnostic: Codable, Sendable, Hashable {
    public var range: TextRange
    public var severity: DiagnosticSeverity
    public var code: String?
    public var source: String
    public var message: String

    public init(
        range: TextRange, severity: DiagnosticSeverity, code: String?, source: String, message: String
    ) {
        self.range = range
        self.severity = severity
        self.code = code
        self.source = source
        self.message = message
    }
}

public enum PublishDiagnosticsNotification: NotificationMessage {
    public static let method = "textDocument/publishDiagnostics"

    public struct Parameters: Codable, Sendable {
        public var uri: DocumentURI
        public var version: Int?
        public var diagnostics: [Diagnostic]

        public init(uri: DocumentURI, version: Int?, diagnostics: [Diagnostic]) {
            self.uri = uri
            self.version = version
            self.diagnostics = diagnostics
        }
    }
}
