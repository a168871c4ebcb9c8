/// What the collector answers; one line each.
enum CollectorMessage: Encodable {
    /// The store's folder, so that what is written there is not taken for the program's.
    case welcome(run: String, store: String)
    /// The runtime stays out of the program's way from then on.
    case refused(reason: String)
    /// The shared buffer may be filled again, whether or not the checkpoint was kept.
    case stored(number: Int)

    private enum Key: String, CodingKey {
        case type = "t"
        case run, store, reason, n
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        switch self {
        case .welcome(let run, let store):
            try container.encode("welcome", forKey: .type)
            try container.encode(run, forKey: .run)
            try container.encode(store, forKey: .store)
        case .refused(let reason):
            try container.encode("refused", forKey: .type)
            try container.encode(reason, forKey: .reason)
        case .stored(let number):
            try container.encode("stored", forKey: .type)
            try container.encode(number, forKey: .n)
        }
    }
}
