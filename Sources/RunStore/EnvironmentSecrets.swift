import Foundation
import HindsightCore

/// Which environment variables are kept out of the store.
///
/// A name is judged by its words, so that `TOKENIZERS_PARALLELISM` or `KEYBOARD_LAYOUT` stay: what the
/// program read from them is needed to replay it.
public enum EnvironmentSecrets {
    private static let words: Set<Substring> = [
        "TOKEN", "KEY", "APIKEY", "SECRET", "SECRETS", "PASSWORD", "PASSWD", "PASSPHRASE", "CREDENTIAL",
        "CREDENTIALS", "PAT",
    ]
    /// Names in one word, such as `PGPASSWORD`.
    private static let endings = ["PASSWORD", "PASSWD", "SECRET", "APIKEY"]

    public static func isSecret(name: String) -> Bool {
        let name = name.uppercased()
        if name == "MYSQL_PWD" { return true }
        return name.split(whereSeparator: { !$0.isLetter && !$0.isNumber }).contains { word in
            words.contains(word) || endings.contains { word.hasSuffix($0) }
        }
    }

    /// Whether a value is a URL that carries a password.
    public static func holdsPassword(value: String) -> Bool {
        guard let scheme = value.range(of: "://") else { return false }
        let authority = value[scheme.upperBound...].prefix { $0 != "/" }
        guard let at = authority.lastIndex(of: "@") else { return false }
        return authority[..<at].contains(":")
    }

    /// Facts that name an environment variable (`env.NAME`) follow the same rule.
    static func withoutSecrets(_ facts: [String: Scalar]) -> [String: Scalar] {
        facts.filter { name, value in
            guard name.hasPrefix("env.") else { return true }
            if case .string(let text) = value, holdsPassword(value: text) { return false }
            return !isSecret(name: String(name.dropFirst(4)))
        }
    }

    /// The variables that may be stored, and the names of the others.
    static func divide(_ environment: [String: String]) -> (kept: [String: String], withheld: [String]) {
        let kept = environment.filter { !isSecret(name: $0.key) && !holdsPassword(value: $0.value) }
        return (kept, environment.keys.filter { kept[$0] == nil }.sorted())
    }
}
