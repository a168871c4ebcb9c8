import Foundation
import PythonRuntime

/// The environment of a command that is recorded: every Python interpreter below it finds the runtime.
struct ProgramEnvironment {
    /// Variables that differ from the inherited ones.
    private(set) var changes: [String: String]

    init(inherited: [String: String], socket: String, root: String, budget: Double) {
        let start = RuntimeResources.directory + "/start"
        // A recorder below a recorder: the inner one decides, and its folder must not be there twice.
        let rest = (inherited["PYTHONPATH"] ?? "").split(separator: ":", omittingEmptySubsequences: false)
            .map(String.init).filter { $0 != start }
        changes = [
            // An empty entry would mean the working directory, which an empty variable does not.
            "PYTHONPATH": rest.allSatisfy(\.isEmpty) ? start : ([start] + rest).joined(separator: ":"),
            "HINDSIGHT_MODE": "record",
            "HINDSIGHT_SOCKET": socket,
            "HINDSIGHT_ROOT": root,
            "HINDSIGHT_BUDGET": "\(budget)",
        ]
        // Sets of strings are ordered by a seed that is drawn at each start, and a replay must have the same
        // one. Zero would turn randomization off, which the program could notice.
        if ["", "random"].contains(inherited["PYTHONHASHSEED"] ?? "") {
            let seed = String(UInt32.random(in: 1...UInt32.max))
            changes["PYTHONHASHSEED"] = seed
            changes["HINDSIGHT_HASHSEED"] = seed
        }
    }

    /// The whole environment as `NAME=value`. The inherited part stays in bytes: a value need not be UTF-8.
    static func entries(changing changes: [String: String]) -> [UnsafeMutablePointer<CChar>?] {
        var entries: [UnsafeMutablePointer<CChar>?] = []
        let prefixes = changes.keys.map { $0 + "=" }
        var position = environ
        while let entry = position.pointee {
            position += 1
            if !prefixes.contains(where: { strncmp(entry, $0, $0.utf8.count) == 0 }) {
                entries.append(strdup(entry))
            }
        }
        entries += changes.map { strdup("\($0.key)=\($0.value)") }
        entries.append(nil)
        return entries
    }
}
