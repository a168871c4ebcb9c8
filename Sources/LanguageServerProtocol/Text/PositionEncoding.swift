/// What a position's `character` counts.
public enum PositionEncoding: String, Hashable, Sendable, Codable {
    case utf8 = "utf-8"
    case utf16 = "utf-16"
    case utf32 = "utf-32"

    /// The client's first choice among those known here; UTF-16 where it says nothing, as the protocol demands.
    public static func negotiate(_ offered: [String]?) -> PositionEncoding {
        offered?.lazy.compactMap(PositionEncoding.init).first ?? .utf16
    }

    /// How many units the character with this first byte takes.
    func units(firstByte byte: UInt8) -> Int {
        switch self {
        case .utf8: Self.length(firstByte: byte)
        case .utf16: byte >= 0xF0 ? 2 : 1
        case .utf32: 1
        }
    }

    /// How many bytes of UTF-8 the character with this first byte takes.
    static func length(firstByte byte: UInt8) -> Int {
        byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4
    }
}
