import Foundation
import RunStore

/// A project in a folder of its own, removed with it.
final class ScratchProject: Sendable {
    let root: String

    init() throws {
        let named = NSTemporaryDirectory() + "hindsight-project-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: named + "/.git", withIntermediateDirectories: true)
        let resolved = realpath(named, nil)
        root = resolved.map { String(cString: $0) } ?? named
        free(resolved)
    }

    deinit { try? FileManager.default.removeItem(atPath: root) }

    var location: StoreLocation { StoreLocation(root: root, directory: root + "/.hindsight") }

    func write(_ name: String, _ text: String) throws {
        try text.write(toFile: root + "/" + name, atomically: true, encoding: .utf8)
    }
}
