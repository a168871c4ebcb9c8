import Foundation
import HindsightCore
import PythonSource
import RunStore

/// The files that a query is about, and the rest of the run's program as it is on disk.
struct QuerySources {
    /// Relative to the root: the files whose hits are wanted.
    var asked: [String]
    /// The asked files, the run's other modules, without text where they are gone, and new modules that these import.
    var files: [SourceFile]

    /// Resolves a FILE of the command line against the working directory, to a path relative to the root.
    static func path(of file: String, in location: StoreLocation) throws -> String {
        let directory = FileManager.default.currentDirectoryPath
        let absolute = file.hasPrefix("/") ? file : directory + "/" + file
        guard let pointer = realpath(absolute, nil) else {
            throw CommandFailure("\(file) cannot be read: \(String(cString: strerror(errno))).")
        }
        defer { free(pointer) }
        let resolved = String(cString: pointer)
        let root = location.root == "/" ? "/" : location.root + "/"
        var isFolder: ObjCBool = false
        if FileManager.default.fileExists(atPath: resolved, isDirectory: &isFolder), isFolder.boolValue {
            throw CommandFailure("\(file) is a folder; name the files whose log statements are asked about.")
        }
        guard resolved.hasPrefix(root) else {
            throw CommandFailure(
                "\(file) lies outside the project \(location.root), so no run of it can have loaded it.")
        }
        return String(resolved.dropFirst(root.count))
    }

    init(asked: [String], run: Run, recorded: [RecordedSource]) throws {
        self.asked = asked
        files = []
        for path in asked {
            files.append(SourceFile(path: path, text: try Self.text(of: path, root: run.root)))
        }
        for source in recorded where !asked.contains(source.path) {
            if let text = try? Self.text(of: source.path, root: run.root) {
                files.append(SourceFile(path: source.path, text: text))
            } else if !FileManager.default.fileExists(atPath: run.root + "/" + source.path) {
                // What it held may stand elsewhere now. One that cannot be read counts as it was recorded.
                files.append(SourceFile(path: source.path, text: ""))
            }
        }
        let known = Dictionary(recorded.map { ($0.path, $0.text) }, uniquingKeysWith: { _, last in last })
        files += NewModules.imported(
            by: files.filter { known[$0.path] != $0.text }, known: Set(asked).union(known.keys)
        ) { try? Self.text(of: $0, root: run.root) }
    }

    private static func text(of path: String, root: String) throws -> String {
        let absolute = root + "/" + path
        let data: Data
        do {
            data = try Data(contentsOf: URL(fileURLWithPath: absolute))
        } catch {
            throw CommandFailure("\(absolute) cannot be read: \(error.localizedDescription)")
        }
        guard var text = String(data: data, encoding: .utf8) else {
            throw CommandFailure("\(absolute) is not UTF-8 text, so its statements cannot be compared.")
        }
        if text.hasPrefix("\u{FEFF}") { text.removeFirst() }
        return text
    }
}

/// A failure of a command, as a sentence for people.
struct CommandFailure: Error, CustomStringConvertible, LocalizedError {
    var description: String
    var errorDescription: String? { description }

    init(_ description: String) { self.description = description }
}
