import Foundation

/// What a developer types into a training program afterwards, as data: `Programs/NAME/probes/*.json`.
struct Probe: Sendable, Decodable, CustomStringConvertible {
    struct Insertion: Sendable, Decodable {
        enum Place: String, Sendable, Decodable { case before, after, replace }

        /// Relative to the project.
        var file: String
        var place: Place
        /// The text of one line of the file, whole.
        var anchor: String
        var lines: [String]
    }

    /// A level of the coordinates that the hits must have.
    struct Level: Sendable, Decodable {
        var loop: String
        /// How many iterations the loop has each time.
        var count: Int
    }

    enum Stream: String, Sendable, Decodable { case stdout, stderr }

    struct Mistake: Error, CustomStringConvertible {
        var description: String
    }

    /// The file's name; it is not in the file.
    var name = ""
    var about: String
    /// How each line begins that the probe writes; no line of the program contains it.
    var prefix: String
    var insertions: [Insertion]
    var stream: Stream?
    /// Absent where a probe is reached from several loops.
    var iterations: [Level]?
    /// Whether the probe leaves iterations out.
    var sparse: Bool?

    var description: String { name }

    private enum CodingKeys: String, CodingKey {
        case about, prefix, insertions, stream, iterations, sparse
    }

    /// The files that the probe touches, in the order of their insertions.
    var files: [String] {
        insertions.map(\.file).reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    }

    /// A file's text with this probe typed in, and which of its lines (from 1) are the probe's.
    func edited(_ text: String, file: String) throws -> (text: String, lines: Set<Int>) {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { (String($0), false) }
        for insertion in insertions where insertion.file == file {
            let places = lines.indices.filter { lines[$0].0 == insertion.anchor && !lines[$0].1 }
            guard places.count == 1 else {
                throw Mistake(
                    description:
                        "Probe \(name): `\(insertion.anchor)` stands \(places.count) times in \(file).")
            }
            let added = insertion.lines.map { ($0, true) }
            switch insertion.place {
            case .before: lines.insert(contentsOf: added, at: places[0])
            case .after: lines.insert(contentsOf: added, at: places[0] + 1)
            case .replace: lines.replaceSubrange(places[0]...places[0], with: added)
            }
        }
        return (
            lines.map(\.0).joined(separator: "\n"),
            Set(lines.indices.filter { lines[$0].1 }.map { $0 + 1 })
        )
    }

    /// The lines among a program's output that this probe wrote. A logger's own prefix is left out, as it is
    /// in a hit's text.
    func ownLines(in result: Command.Result) -> [String] {
        (stream == .stderr ? result.errorLines : result.lines).compactMap { line in
            line.range(of: prefix).map { String(line[$0.lowerBound...]) }
        }
    }
}
