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

    /// Those of the run's files that differ on disk and are not open in the editor, without text where they are
    /// gone, and new modules that edited files import.
    func changed(_ recorded: [RecordedSource], open: [SourceFile]) -> [SourceFile] {
        let shown = Set(open.map(\.path))
        let changed = recorded.compactMap { source -> SourceFile? in
            guard !shown.contains(source.path) else { return nil }
            guard let text = text(source.path) else {
                let isGone = !FileManager.default.fileExists(atPath: root + "/" + source.path)
                return isGone ? SourceFile(path: source.path, text: "") : nil
            }
            return text == source.text ? nil : SourceFile(path: source.path, text: text)
        }
        let known = Dictionary(recorded.map { ($0.path, $0.text) }, uniquingKeysWith: { _, last in last })
        let edited = changed + open.filter { known[$0.path] != $0.text }
        return changed
            + NewModules.imported(by: edited, known: shown.union(known.keys), read: text)
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
