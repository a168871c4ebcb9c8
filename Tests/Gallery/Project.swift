import Foundation

/// A folder with a program in it, below the temporary directory.
package struct Project: Sendable {
    package let folder: URL
    package let name: String

    package init(name: String) throws {
        self.name = name
        folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("hindsight-test-\(UUID().uuidString.prefix(8))")
            .appendingPathComponent(name)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    package func remove() { try? FileManager.default.removeItem(at: folder.deletingLastPathComponent()) }

    package func path(_ file: String) -> String { folder.appendingPathComponent(file).path }

    package func read(_ file: String) throws -> String {
        try String(contentsOf: folder.appendingPathComponent(file), encoding: .utf8)
    }

    package func write(_ text: String, to file: String) throws {
        let url = folder.appendingPathComponent(file)
        try FileManager.default.createDirectory(
            at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try text.write(to: url, atomically: false, encoding: .utf8)
    }

    /// Runs the executable under test in this project.
    package func hindsight(
        _ arguments: String..., environment: [String: String] = Command.environment,
        within seconds: Double = Command.patience
    ) async throws -> Command.Result {
        try await hindsight(arguments, environment: environment, within: seconds)
    }

    package func hindsight(
        _ arguments: [String], environment: [String: String] = Command.environment,
        within seconds: Double = Command.patience
    ) async throws -> Command.Result {
        try await Command.run(
            Checkout.hindsight.path, arguments, in: folder, environment: environment, within: seconds)
    }

    /// Every file but the store's with its content (nil for a folder); equal before and after where nothing
    /// was touched.
    package func contents() throws -> [String: Data?] {
        var found: [String: Data?] = [:]
        let base = folder.resolvingSymlinksInPath().path
        for case let url as URL in FileManager.default.enumerator(
            at: folder, includingPropertiesForKeys: nil)!
        {
            let path = String(url.resolvingSymlinksInPath().path.dropFirst(base.count + 1))
            var isFolder: ObjCBool = false
            _ = FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder)
            if path == ".hindsight" || path.hasPrefix(".hindsight/") { continue }
            found.updateValue(isFolder.boolValue ? nil : try Data(contentsOf: url), forKey: path)
        }
        return found
    }
}
