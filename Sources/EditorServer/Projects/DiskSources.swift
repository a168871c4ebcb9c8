import Foundation
import HindsightCore
import PythonSource

/// The project's files as they are on disk, read again only when they change.
final class DiskSources: @unchecked Sendable {
    private struct Entry {
        var modified: Date
        var size: Int
        var text: String
    }

    private let root: String
    /// Only used by one blocking function at a time.
    private var entries: [String: Entry] = [:]

    init(root: String) { self.root = root }

    /// Those of the run's files that differ on disk and are not open in the editor.
    func changed(_ recorded: [RecordedSource], except open: Set<String>) -> [SourceFile] {
        recorded.compactMap { source in
            guard !open.contains(source.path), let text = text(source.path), text != source.text else {
                return nil
            }
            return SourceFile(path: source.path, text: text)
        }
    }

    private func text(_ path: String) -> String? {
        let absolute = root + "/" + path
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: absolute),
            let modified = attributes[.modificationDate] as? Date, let size = attributes[.size] as? Int
        else { return nil }
        if let known = entries[path], known.modified == modified, known.size == size { return known.text }
        guard let data = FileManager.default.contents(atPath: absolute),
            let text = String(bytes: data, encoding: .utf8)
        else { return nil }
        entries[path] = Entry(modified: modified, size: size, text: text)
        return text
    }
}
