public struct TextDocumentIdentifier: Codable, Sendable {
    public var uri: DocumentURI

    public init(uri: DocumentURI) { self.uri = uri }
}

public enum DidOpenNotification: NotificationMessage {
    public static let method = "textDocument/didOpen"

    public struct Parameters: Codable, Sendable {
        public struct Item: Codable, Sendable {
            public var uri: DocumentURI
            public var languageId: String?
            public var version: Int
            public var text: String
        }

        public var textDocument: Item
    }
}

public enum DidChangeNotification: NotificationMessage {
    public static let method = "textDocument/didChange"

    public struct Parameters: Codable, Sendable {
        public struct Identifier: Codable, Sendable {
            public var uri: DocumentURI
            public var version: Int?
        }

        /// The whole text where there is no range.
        public struct Change: Codable, Sendable {
            public var range: TextRange?
            public var text: String
        }

        public var textDocument: Identifier
        public var contentChanges: [Change]
    }
}

public enum DidSaveNotification: NotificationMessage {
    public static let method = "textDocument/didSave"

    public struct Parameters: Codable, Sendable {
        public var textDocument: TextDocumentIdentifier
    }
}

public enum DidCloseNotification: NotificationMessage {
    public static let method = "textDocument/didClose"

    public struct Parameters: Codable, Sendable {
        public var textDocument: TextDocumentIdentifier
    }
}
