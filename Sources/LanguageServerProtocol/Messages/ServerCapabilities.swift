/// What the server says it can do.
public struct ServerCapabilities: Codable, Sendable {
    public var positionEncoding: PositionEncoding
    public var textDocumentSync: TextDocumentSyncOptions
    public var hoverProvider: Bool
    public var inlayHintProvider: InlayHintOptions
    public var codeLensProvider: CodeLensOptions
    public var codeActionProvider: CodeActionOptions
    public var executeCommandProvider: ExecuteCommandOptions
    public var workspace: WorkspaceOptions
    /// What goes beyond the protocol: clients look here before they use it.
    public var experimental: JSONValue?

    public init(
        positionEncoding: PositionEncoding, textDocumentSync: TextDocumentSyncOptions, hoverProvider: Bool,
        inlayHintProvider: InlayHintOptions, codeLensProvider: CodeLensOptions,
        codeActionProvider: CodeActionOptions, executeCommandProvider: ExecuteCommandOptions,
        workspace: WorkspaceOptions, experimental: JSONValue?
    ) {
        self.positionEncoding = positionEncoding
        self.textDocumentSync = textDocumentSync
        self.hoverProvider = hoverProvider
        self.inlayHintProvider = inlayHintProvider
        self.codeLensProvider = codeLensProvider
        self.codeActionProvider = codeActionProvider
        self.executeCommandProvider = executeCommandProvider
        self.workspace = workspace
        self.experimental = experimental
    }
}

public struct TextDocumentSyncOptions: Codable, Sendable {
    public var openClose = true
    /// 2: incremental.
    public var change = 2
    public var save = true

    public init() {}
}

public struct InlayHintOptions: Codable, Sendable {
    public var resolveProvider = false

    public init() {}
}

public struct CodeLensOptions: Codable, Sendable {
    public var resolveProvider = false

    public init() {}
}

public struct CodeActionOptions: Codable, Sendable {
    public var codeActionKinds: [String]
    public var resolveProvider = false

    public init(codeActionKinds: [String]) { self.codeActionKinds = codeActionKinds }
}

public struct ExecuteCommandOptions: Codable, Sendable {
    public var commands: [String]

    public init(commands: [String]) { self.commands = commands }
}

public struct WorkspaceOptions: Codable, Sendable {
    public struct Folders: Codable, Sendable {
        public var supported = true
        public var changeNotifications = true
    }

    public var workspaceFolders = Folders()

    public init() {}
}
