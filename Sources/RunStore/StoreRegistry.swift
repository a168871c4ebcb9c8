import Foundation

/// Which stores this user's own recordings made, kept outside of them.
///
/// Replaying loads pickles and starts the interpreter that a store names, so a store that came with a
/// downloaded project would run whatever its maker liked: only those that are listed here are replayed. A
/// store is known by a random id of its own, wherever its folder is moved to.
public struct StoreRegistry: Sendable {
    /// Where entries may lie; new ones go into the first that can be written.
    private let folders: [String]

    public init(folders: [String]) { self.folders = folders }

    /// The user's: below `XDG_STATE_HOME`, else below the account's home directory, else below `HOME`.
    public static func ofUser(environment: [String: String] = ProcessInfo.processInfo.environment)
        -> StoreRegistry
    {
        var folders: [String] = []
        if let state = environment["XDG_STATE_HOME"], state.hasPrefix("/") { folders.append(state) }
        // The account's first: one shell may lack the variable that another has, or have another value.
        let account = getpwuid(geteuid()).flatMap { $0.pointee.pw_dir.map { String(cString: $0) } }
        for home in [account, environment["HOME"]].compactMap(\.self) where home.hasPrefix("/") {
            folders.append((home as NSString).appendingPathComponent(".local/state"))
        }
        return StoreRegistry(
            folders: folders.map { ($0 as NSString).appendingPathComponent("hindsight/stores") })
    }

    /// Whether nothing in the store can be somebody else's doing.
    public func trusts(_ store: Store) -> Bool {
        guard let id = store.folder.identity() else { return false }
        return folders.contains { folder in
            var info = stat()
            // An entry that somebody else could have written says nothing.
            return stat(folder + "/" + id, &info) == 0 && info.st_uid == geteuid()
        }
    }

    /// Notes a store that this process has just made. One that was there before and is not known stays
    /// unknown: what others put into it is still in it.
    ///
    /// - Returns: a sentence about what follows where it is not trusted now.
    public func claim(_ store: Store) -> String? {
        if store.isNew { return note(store) }
        // Another process may have made it this moment and be about to note it.
        for _ in 0..<10 {
            if trusts(store) { return nil }
            usleep(50_000)
        }
        return "\(StoreError.untrusted(directory: store.location.directory))"
    }

    /// Trusts a store on the user's word.
    public func trust(_ store: Store) throws {
        if store.folder.identity() == nil { try store.folder.createIdentity() }
        if let problem = note(store) { throw StoreError.notRegistered(problem) }
    }

    private func note(_ store: Store) -> String? {
        guard let id = store.folder.identity() else {
            return "the store \(store.location.directory) has no id, so it will not be replayed"
        }
        var problem = "there is no home directory"
        for folder in folders {
            do {
                try FileManager.default.createDirectory(
                    atPath: folder, withIntermediateDirectories: true,
                    attributes: [.posixPermissions: 0o700])
                try Data((store.location.directory + "\n").utf8)
                    .write(to: URL(fileURLWithPath: folder + "/" + id), options: .atomic)
                return nil
            } catch {
                problem = "\(folder) cannot be written"
            }
        }
        return "the store \(store.location.directory) cannot be noted as yours (\(problem)), so queries will "
            + "refuse to replay its runs; set XDG_STATE_HOME to a folder of yours, for recording and queries, "
            + "and run: hindsight doctor --trust-store"
    }
}
