/// What the client says it can do, as far as anybody here asks. A member of an unexpected shape counts as absent:
/// a capability that cannot be understood must not end the session.
public struct ClientCapabilities: Codable, Sendable {
    public var positionEncodings: [String]?
    public var hasInlayHints = false
    public var hasCodeLens = false
    public var refreshesInlayHints = false
    public var refreshesCodeLenses = false
    public var hoverFormats: [String] = []
    public var hasCodeActionLiterals = false
    public var hasWorkDoneProgress = false
    public var showsDocuments = false
    public var hasConfiguration = false
    public var registersWatchedFiles = false
    public var watchesRelativePatterns = false
    public var registersConfiguration = false

    public init() {}

    public init(from decoder: any Decoder) throws {
        let all = try JSONValue(from: decoder)
        func flag(_ path: String...) -> Bool { Self.member(all, path)?.boolValue ?? false }
        func strings(_ path: String...) -> [String]? {
            Self.member(all, path)?.arrayValue.map { $0.compactMap(\.stringValue) }
        }
        positionEncodings = strings("general", "positionEncodings")
        hasInlayHints = Self.member(all, ["textDocument", "inlayHint"])?.objectValue != nil
        hasCodeLens = Self.member(all, ["textDocument", "codeLens"])?.objectValue != nil
        refreshesInlayHints = flag("workspace", "inlayHint", "refreshSupport")
        refreshesCodeLenses = flag("workspace", "codeLens", "refreshSupport")
        hoverFormats = strings("textDocument", "hover", "contentFormat") ?? []
        hasCodeActionLiterals =
            Self.member(all, ["textDocument", "codeAction", "codeActionLiteralSupport"])?.objectValue != nil
        hasWorkDoneProgress = flag("window", "workDoneProgress")
        showsDocuments = flag("window", "showDocument", "support")
        hasConfiguration = flag("workspace", "configuration")
        registersWatchedFiles = flag("workspace", "didChangeWatchedFiles", "dynamicRegistration")
        watchesRelativePatterns = flag("workspace", "didChangeWatchedFiles", "relativePatternSupport")
        registersConfiguration = flag("workspace", "didChangeConfiguration", "dynamicRegistration")
    }

    public func encode(to encoder: any Encoder) throws {
        // Only servers are written here; a client in a test writes its capabilities as plain JSON.
        try JSONValue.object([:]).encode(to: encoder)
    }

    private static func member(_ value: JSONValue, _ path: [String]) -> JSONValue? {
        path.reduce(value) { $0?[$1] }
    }
}
