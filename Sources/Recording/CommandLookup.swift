import Foundation

/// Finds the file of a command as a shell would.
enum CommandLookup {
    enum Failure: Error, Hashable {
        case notFound(String)
        case notExecutable(String)

        /// What a shell would return.
        var exitCode: Int32 {
            switch self {
            case .notFound: 127
            case .notExecutable: 126
            }
        }

        var sentence: String {
            switch self {
            case .notFound(let name): "command not found: \(name)"
            case .notExecutable(let path): "\(path) is not executable"
            }
        }
    }

    static func find(_ name: String, path: String?) throws(Failure) -> String {
        if name.contains("/") {
            guard FileManager.default.fileExists(atPath: name) else { throw .notFound(name) }
            guard isExecutable(name) else { throw .notExecutable(name) }
            return name
        }
        var blocked: String?
        for folder in (path ?? "/usr/local/bin:/usr/bin:/bin").split(
            separator: ":", omittingEmptySubsequences: false)
        {
            // An empty entry is the working directory.
            let candidate = (folder.isEmpty ? "." : folder) + "/" + name
            if isExecutable(candidate) { return candidate }
            if FileManager.default.fileExists(atPath: candidate) { blocked = blocked ?? candidate }
        }
        if let blocked { throw .notExecutable(blocked) }
        throw .notFound(name)
    }

    private static func isExecutable(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT != S_IFDIR && access(path, X_OK) == 0
    }
}
