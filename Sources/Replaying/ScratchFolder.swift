import Foundation

/// A folder for what a worker writes, removed afterwards.
///
/// The sandbox hides the folder's parent from the program, since an overlay cannot lie inside what it
/// covers; so the parent is one that no project uses.
final class ScratchFolder: Sendable {
    let path: String
    private let outermost: String

    /// - Parameter needed: paths that the program must be able to see.
    init(needed: [String]) throws(ReplayFailure) {
        let place = "/var/tmp"
        let isPlain = !needed.contains { ($0 + "/").hasPrefix(place + "/") }
        Self.removeLeftovers(in: place)
        var template = Array("\(place)/\(Self.prefix)\(getpid())-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw ReplayFailure(
                "No scratch folder can be made in \(place): \(String(cString: strerror(errno))).")
        }
        outermost = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        path = isPlain ? outermost : outermost + "/scratch"
        if !isPlain, mkdir(path, 0o700) != 0 {
            throw ReplayFailure(
                "No scratch folder can be made in \(outermost): \(String(cString: strerror(errno))).")
        }
    }

    deinit { Self.remove(outermost) }

    private static let prefix = "hindsight-replay-"

    /// What processes that were killed left behind.
    private static func removeLeftovers(in place: String) {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: place)) ?? []
        for name in names where name.hasPrefix(prefix) {
            let digits = name.dropFirst(prefix.count).prefix { $0.isNumber }
            guard let owner = pid_t(digits), Foundation.kill(owner, 0) != 0, errno == ESRCH else { continue }
            var info = stat()
            // Another user's folder stays that user's concern.
            guard lstat(place + "/" + name, &info) == 0, info.st_uid == getuid() else { continue }
            remove(place + "/" + name)
        }
    }

    /// Overlays leave folders without any permission behind, which must be given back before they can be
    /// emptied.
    private static func remove(_ path: String) {
        var info = stat()
        guard lstat(path, &info) == 0 else { return }
        guard info.st_mode & S_IFMT == S_IFDIR else {
            unlink(path)
            return
        }
        chmod(path, 0o700)
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        for name in names { remove(path + "/" + name) }
        rmdir(path)
    }
}
