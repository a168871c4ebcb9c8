import Foundation

/// What a developer types into a training program afterwards, as data in a program's `program.json`.
package struct Probe: Sendable, Decodable, CustomStringConvertible {
    package struct Insertion: Sendable, Decodable {
        package enum Place: String, Sendable, Decodable { case before, after, replace }

        /// Relative to the project.
        package var file: String
        package var place: Place
        /// The text of one line of the file, whole.
        package var anchor: String
        package var lines: [String]

        package init(file: String, place: Place, anchor: String, lines: [String]) {
            self.file = file
            self.place = place
            self.anchor = anchor
            self.lines = lines
        }
    }

    /// Where it stands: before all loops, in an outer or an inner one, in a module of the program's, after all.
    package enum Level: String, Sendable, Decodable { case before, outer, inner, module, after }

    /// A level of the coordinates that the hits must have.
    package struct Iterations: Sendable, Decodable {
        package var loop: String
        /// How many iterations the loop has each time; absent where that differs.
        package var count: Int?

        package init(loop: String, count: Int?) {
            self.loop = loop
            self.count = count
        }
    }

    package enum Stream: String, Sendable, Decodable { case stdout, stderr }

    package struct Mistake: Error, CustomStringConvertible {
        package var description: String

        package init(description: String) { self.description = description }
    }

    package var name: String
    package var level: Level
    package var about: String
    /// How each line begins that the probe writes; no line of the program contains it.
    package var prefix: String
    package var insertions: [Insertion]
    package var stream: Stream?
    /// Absent where a probe is reached from several loops.
    package var iterations: [Iterations]?
    /// Whether the probe leaves iterations out.
    package var sparse: Bool?
    /// Asked by itself, too: its plan is another one than that of all probes together.
    package var alone: Bool?
    /// The verdict of every hit, where it is not `exact`, a part of the reason that it must give, and what the
    /// gallery's page says about it.
    package var verdict: String?
    package var reason: String?
    package var explanation: String?

    package init(
        name: String, level: Level = .inner, about: String, prefix: String,
        insertions: [Insertion], iterations: [Iterations]? = nil
    ) {
        self.name = name
        self.level = level
        self.about = about
        self.prefix = prefix
        self.insertions = insertions
        self.iterations = iterations
    }

    package var description: String { name }

    package var expectedVerdict: String { verdict ?? "exact" }

    /// The files that the probe touches, in the order of their insertions.
    package var files: [String] {
        insertions.map(\.file).reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    }

    /// A file's text with this probe typed in, and which of its lines (from 1) are the probe's.
    package func edited(_ text: String, file: String) throws -> (text: String, lines: Set<Int>) {
        let edited = try [self].edited(text, file: file)
        return (edited.text, Set(edited.lines.keys))
    }

    /// The lines among a program's output that this probe wrote. A logger's own prefix is left out, as it is
    /// in a hit's text.
    package func ownLines(in result: Command.Result) -> [String] { [self].ownLines(in: result) }
}

extension [Probe] {
    package var files: [String] {
        flatMap(\.files).reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    }

    /// A file's text with these probes typed in, and whose each of the new lines (from 1) is.
    package func edited(_ text: String, file: String) throws -> (text: String, lines: [Int: String]) {
        typealias Line = (text: String, owner: String?)
        var lines: [Line] = text.split(separator: "\n", omittingEmptySubsequences: false).map {
            (String($0), nil)
        }
        let insertions = flatMap { probe in probe.insertions.map { (probe.name, $0) } }
            .filter { $0.1.file == file }
        // A line that one probe changes may be another one's anchor.
        for (name, insertion) in insertions.filter({ $0.1.place != .replace })
            + insertions.filter({ $0.1.place == .replace })
        {
            let places = lines.indices.filter {
                lines[$0].text == insertion.anchor && lines[$0].owner == nil
            }
            guard places.count == 1 else {
                throw Probe.Mistake(
                    description:
                        "Probe \(name): `\(insertion.anchor)` stands \(places.count) times in \(file).")
            }
            let added: [Line] = insertion.lines.map { ($0, name) }
            switch insertion.place {
            case .before: lines.insert(contentsOf: added, at: places[0])
            case .after: lines.insert(contentsOf: added, at: places[0] + 1)
            case .replace: lines.replaceSubrange(places[0]...places[0], with: added)
            }
        }
        let owners = lines.enumerated().compactMap { line in line.element.owner.map { (line.offset + 1, $0) }
        }
        return (lines.map(\.text).joined(separator: "\n"), Dictionary(uniqueKeysWithValues: owners))
    }

    /// The lines among a program's output that these probes wrote, those on the standard error behind the others.
    package func ownLines(in result: Command.Result) -> [String] {
        [Probe.Stream.stdout, .stderr].flatMap { stream in
            let prefixes = filter { ($0.stream ?? .stdout) == stream }.map(\.prefix)
            return (stream == .stderr ? result.errorLines : result.lines).compactMap { line in
                prefixes.compactMap { line.range(of: $0) }.min { $0.lowerBound < $1.lowerBound }
                    .map { String(line[$0.lowerBound...]) }
            }
        }
    }
}
