public enum MessageType: Int, Codable, Sendable {
    case error = 1
    case warning = 2
    case info = 3
    case log = 4
}

public struct WindowMessage: Codable, Sendable {
    public var type: MessageType
    public var message: String

    public init(type: MessageType, message: String) {
        self.type = type
        self.message = message
    }
}

public enum ShowMessageNotification: NotificationMessage {
    public static let method = "window/showMessage"
    public typealias Parameters = WindowMessage
}

public enum LogMessageNotification: NotificationMessage {
    public static let method = "window/logMessage"
    public typealias Parameters = WindowMessage
}

public enum ShowDocumentRequest: RequestMessage {
    public static let method = "window/showDocument"
    public typealias Result = Nothing

    public struct Parameters: Codable, Sendable {
        public var uri: DocumentURI
        public var takeFocus: Bool

        public init(uri: DocumentURI, takeFocus: Bool) {
            self.uri = uri
            self.takeFocus = takeFocus
        }
    }
}
