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
        var template = Array("\(place)/hindsight-XXXXXX".utf8CString)
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
