/// A code action that runs a command, or the bare command for clients that know no literals.
public enum CodeAction: Codable, Sendable, Hashable {
    case action(title: String, kind: String, command: Command)
    case command(Command)

    private enum Key: String, CodingKey { case title, kind, command }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        if let kind = try container.decodeIfPresent(String.self, forKey: .kind) {
            self = .action(
                title: try container.decode(String.self, forKey: .title), kind: kind,
                command: try container.decode(Command.self, forKey: .command))
        } else {
            self = .command(try Command(from: decoder))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        switch self {
        case .command(let command): try command.encode(to: encoder)
        case .action(let title, let kind, let command):
            var container = encoder.container(keyedBy: Key.self)
            try container.encode(title, forKey: .title)
            try container.encode(kind, forKey: .kind)
            try container.encode(command, forKey: .command)
        }
    }
}

public enum CodeActionRequest: RequestMessage {
    public static let method = "textDocument/codeAction"
    public typealias Result = [CodeAction]

    public struct Parameters: Codable, Sendable {
        public struct Context: Codable, Sendable {
            public var only: [String]?
        }

        public var textDocument: TextDocumentIdentifier
        public var range: TextRange
        public var context: Context?
    }
}
