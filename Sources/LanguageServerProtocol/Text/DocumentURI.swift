import Foundation

/// Names a document as the client does. Two spellings of one file are one document.
public struct DocumentURI: Hashable, Sendable, Codable, CustomStringConvertible {
    /// As the client wrote it.
    public let description: String
    /// The absolute path of a `file:` document.
    public let path: String?

    public init(_ string: String) {
        description = string
        path = Self.path(string)
    }

    /// The URI of a file.
    public init(path: String) {
        description = URL(fileURLWithPath: path, isDirectory: false).absoluteString
        self.path = path
    }

    public init(from decoder: any Decoder) throws {
        self.init(try decoder.singleValueContainer().decode(String.self))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }

    public static func == (left: DocumentURI, right: DocumentURI) -> Bool {
        left.description == right.description || (left.path != nil && left.path == right.path)
    }

    public func hash(into hasher: inout Hasher) { hasher.combine(path ?? description) }

    private static func path(_ string: String) -> String? {
        guard string.lowercased().hasPrefix("file:") else { return nil }
        var rest = string.dropFirst(5)
        if rest.hasPrefix("//") {
            // An authority (`localhost`) says nothing about a local file.
            rest = rest.dropFirst(2).drop { $0 != "/" }
        }
        let end = rest.firstIndex { $0 == "?" || $0 == "#" } ?? rest.endIndex
        guard let decoded = String(rest[..<end]).removingPercentEncoding, decoded.hasPrefix("/") else {
            return nil
        }
        return decoded.count > 1 && decoded.hasSuffix("/") ? String(decoded.dropLast()) : decoded
    }
}
