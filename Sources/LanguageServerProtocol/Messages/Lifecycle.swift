/// The first request.
public enum InitializeRequest: RequestMessage {
    public static let method = "initialize"
    public typealias Parameters = InitializeParameters
    public typealias Result = InitializeResult
}

public struct InitializeParameters: Codable, Sendable {
    public var processId: Int?
    public var clientInfo: ProgramInfo?
    public var rootPath: String?
    public var rootUri: DocumentURI?
    public var initializationOptions: JSONValue?
    public var capabilities: ClientCapabilities
    public var workspaceFolders: [WorkspaceFolder]?

    public init(
        processId: Int? = nil, clientInfo: ProgramInfo? = nil, rootUri: DocumentURI? = nil,
        initializationOptions: JSONValue? = nil, capabilities: ClientCapabilities = ClientCapabilities(),
        workspaceFolders: [WorkspaceFolder]? = nil
    ) {
        self.processId = processId
        self.clientInfo = clientInfo
        self.rootUri = rootUri
        self.initializationOptions = initializationOptions
        self.capabilities = capabilities
        self.workspaceFolders = workspaceFolders
    }

    private enum Key: String, CodingKey {
        case processId, clientInfo, rootPath, rootUri, initializationOptions, capabilities, workspaceFolders
    }

    /// Lenient: a member that this server does not understand must not keep the session from starting.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        processId = try? container.decode(Int.self, forKey: .processId)
        clientInfo = try? container.decode(ProgramInfo.self, forKey: .clientInfo)
        rootPath = try? container.decode(String.self, forKey: .rootPath)
        rootUri = try? container.decode(DocumentURI.self, forKey: .rootUri)
        initializationOptions = try? container.decode(JSONValue.self, forKey: .initializationOptions)
        capabilities =
            (try? container.decode(ClientCapabilities.self, forKey: .capabilities)) ?? ClientCapabilities()
        workspaceFolders = try? container.decode([WorkspaceFolder].self, forKey: .workspaceFolders)
    }
}

public struct ProgramInfo: Codable, Sendable {
    public var name: String
    public var version: String?

    public init(name: String, version: String? = nil) {
        self.name = name
        self.version = version
    }
}

public struct WorkspaceFolder: Codable, Sendable {
    public var uri: DocumentURI
    public var name: String
}

public struct InitializeResult: Codable, Sendable {
    public var capabilities: ServerCapabilities
    public var serverInfo: ProgramInfo

    public init(capabilities: ServerCapabilities, serverInfo: ProgramInfo) {
        self.capabilities = capabilities
        self.serverInfo = serverInfo
    }
}

public enum InitializedNotification: NotificationMessage {
    public static let method = "initialized"
    public typealias Parameters = Nothing
}

public enum ShutdownRequest: RequestMessage {
    public static let method = "shutdown"
    public typealias Parameters = Nothing
    public typealias Result = Nothing
}

public enum ExitNotification: NotificationMessage {
    public static let method = "exit"
    public typealias Parameters = Nothing
}

public enum CancelRequest: NotificationMessage {
    public static let method = "$/cancelRequest"

    public struct Parameters: Codable, Sendable {
        public var id: RequestID
    }
}

/// The client's wish for a trace. There is none, but the notification is known.
public enum SetTraceNotification: NotificationMessage {
    public static let method = "$/setTrace"
    public typealias Parameters = Nothing
}
