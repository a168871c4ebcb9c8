import Foundation

/// Where a project and its store lie.
public struct StoreLocation: Hashable, Sendable {
    /// The project's root, absolute, without symbolic links.
    public var root: String
    /// The store's own directory.
    public var directory: String

    public init(root: String, directory: String) {
        self.root = root
        self.directory = directory
    }

    /// The usual name of a store inside its project's root.
    public static let directoryName = ".hindsight"

    /// The root is the nearest ancestor that holds a store or a repository, else the directory itself: never
    /// the script's folder, so that a package's modules are found wherever its script lies.
    static func find(from directory: String, override: String?, environment: [String: String])
        -> StoreLocation
    {
        let start = resolved(directory)
        var root = start
        var candidate = start
        while true {
            let marks = [directoryName, ".git"].map { candidate.appending("/" + $0) }
            if marks.contains(where: FileManager.default.fileExists(atPath:)) {
                root = candidate
                break
            }
            if candidate == "/" || candidate.isEmpty { break }
            candidate = (candidate as NSString).deletingLastPathComponent
        }
        let named = override ?? environment["HINDSIGHT_STORE"].flatMap { $0.isEmpty ? nil : $0 }
        guard let named else {
            return StoreLocation(
                root: root, directory: (root as NSString).appendingPathComponent(directoryName))
        }
        let absolute =
            named.hasPrefix("/") ? named : (start as NSString).appendingPathComponent(named)
        return StoreLocation(root: root, directory: (absolute as NSString).standardizingPath)
    }

    private static func resolved(_ path: String) -> String {
        guard let pointer = realpath(path, nil) else { return (path as NSString).standardizingPath }
        defer { free(pointer) }
        return String(cString: pointer)
    }
}
