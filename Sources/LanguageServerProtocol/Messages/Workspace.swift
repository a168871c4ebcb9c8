public enum ExecuteCommandRequest: RequestMessage {
    public static let method = "workspace/executeCommand"
    public typealias Result = JSONValue

    public struct Parameters: Codable, Sendable {
        public var command: String
        public var arguments: [JSONValue]?
    }
}

public enum DidChangeConfigurationNotification: NotificationMessage {
    public static let method = "workspace/didChangeConfiguration"

    public struct Parameters: Codable, Sendable {
        public var settings: JSONValue?
    }
}

public enum ConfigurationRequest: RequestMessage {
    public static let method = "workspace/configuration"
    public typealias Result = [JSONValue]

    public struct Parameters: Codable, Sendable {
        public struct Item: Codable, Sendable {
            public var section: String

            public init(section: String) { self.section = section }
        }

        public var items: [Item]

        public init(items: [Item]) { self.items = items }
    }
}

public enum DidChangeWatchedFilesNotification: NotificationMessage {
    public static let method = "workspace/didChangeWatchedFiles"

    public struct Parameters: Codable, Sendable {
        public struct Change: Codable, Sendable {
            public var uri: DocumentURI
            public var type: Int
        }

        public var changes: [Change]
    }
}

public enum DidChangeWorkspaceFoldersNotification: NotificationMessage {
    public static let method = "workspace/didChangeWorkspaceFolders"

    public struct Parameters: Codable, Sendable {
        public struct Event: Codable, Sendable {
            public var added: [WorkspaceFolder]
            public var removed: [WorkspaceFolder]
        }

        public var event: Event
    }
}

public enum RegisterCapabilityRequest: RequestMessage {
    public static let method = "client/registerCapability"
    public typealias Result = Nothing

    public struct Parameters: Codable, Sendable {
        public struct Registration: Codable, Sendable {
            public var id: String
            public var method: String
            public var registerOptions: JSONValue?

            public init(id: String, method: String, registerOptions: JSONValue?) {
                self.id = id
                self.method = method
                self.registerOptions = registerOptions
            }
        }

        public var registrations: [Registration]

        public init(registrations: [Registration]) { self.registrations = registrations }
    }
}
