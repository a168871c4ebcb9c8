public enum CreateProgressRequest: RequestMessage {
    public static let method = "window/workDoneProgress/create"
    public typealias Result = Nothing

    public struct Parameters: Codable, Sendable {
        public var token: RequestID

        public init(token: RequestID) { self.token = token }
    }
}

public enum CancelProgressNotification: NotificationMessage {
    public static let method = "window/workDoneProgress/cancel"

    public struct Parameters: Codable, Sendable {
        public var token: RequestID
    }
}

/// The payload of `$/progress`.
public struct WorkDoneProgress: Codable, Sendable {
    public enum Kind: String, Codable, Sendable {
        case begin
        case report
        case end
    }

    public var kind: Kind
    public var title: String?
    public var cancellable: Bool?
    public var message: String?
    public var percentage: Int?

    public init(
        kind: Kind, title: String? = nil, cancellable: Bool? = nil, message: String? = nil,
        percentage: Int? = nil
    ) {
        self.kind = kind
        self.title = title
        self.cancellable = cancellable
        self.message = message
        self.percentage = percentage
    }
}

public enum ProgressNotification: NotificationMessage {
    public static let method = "$/progress"

    public struct Parameters: Codable, Sendable {
        public var token: RequestID
        public var value: WorkDoneProgress

        public init(token: RequestID, value: WorkDoneProgress) {
            self.token = token
            self.value = value
        }
    }
}
