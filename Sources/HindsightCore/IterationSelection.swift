/// Which iterations are asked for: `epoch=30..40,step=0`, `epoch=0,5,last`.
///
/// Names are loop targets as the source writes them, or one name out of a target that binds several.
/// Indices count from 0. Only hits inside the named loops' given iterations are wanted.
public struct IterationSelection: Hashable, Sendable {
    public var loops: [Loop]

    public struct Loop: Hashable, Sendable {
        public var name: String
        public var parts: [Part]

        public init(name: String, parts: [Part]) {
            self.name = IterationSelection.normalized(name)
            self.parts = parts
        }
    }

    public enum Part: Hashable, Sendable {
        case range(ClosedRange<Int>)
        case from(Int)
        case last
    }

    public init(loops: [Loop]) { self.loops = loops }

    /// Reads a specification, or throws a sentence that says what is wrong with it.
    public init(parsing text: String) throws {
        var loops: [Loop] = []
        for piece in Self.split(text) {
            let item = piece.trimmed
            let value: Substring
            if let equals = Self.assignment(in: item) {
                let name = item[..<equals].trimmed
                guard !name.isEmpty else {
                    throw IterationSelectionError(
                        "'\(item)' names no loop; write it as epoch=3 or epoch=3..7.")
                }
                loops.append(Loop(name: Self.normalized(String(name)), parts: []))
                value = item[item.index(after: equals)...].trimmed
            } else {
                guard !loops.isEmpty else {
                    throw IterationSelectionError(
                        "'\(item)' names no loop; write the iterations as epoch=3 or epoch=3..7,step=0.")
                }
                value = item
            }
            loops[loops.count - 1].parts.append(try Self.part(value, of: loops[loops.count - 1].name))
        }
        guard !loops.isEmpty else {
            throw IterationSelectionError("No iterations are given; write them as epoch=3 or epoch=3..7.")
        }
        self.loops = loops
    }

    /// The entry for a loop with this target, if it is named.
    public func entry(for target: String) -> Loop? {
        let whole = Self.normalized(target)
        let names = Self.names(in: target)
        let matching = loops.filter { $0.name == whole || names.contains($0.name) }
        guard var merged = matching.first else { return nil }
        merged.parts = matching.flatMap(\.parts)
        return merged
    }

    /// Whether a hit with these iterations is wanted. `isLast` answers for the level at that depth whether
    /// it is the last iteration of its loop.
    public func contains(_ iterations: [Iteration], isLast: (_ depth: Int) -> Bool) -> Bool {
        var isNamed = false
        for (depth, iteration) in iterations.enumerated() {
            guard let entry = entry(for: iteration.loop) else { continue }
            isNamed = true
            let isWanted = entry.parts.contains { part in
                switch part {
                case .range(let range): range.contains(iteration.index)
                case .from(let lower): iteration.index >= lower
                case .last: isLast(depth)
                }
            }
            if !isWanted { return false }
        }
        return isNamed
    }

    /// Names given that fit no loop of the run, for an error message.
    public func names(unknownAmong targets: some Sequence<String>) -> [String] {
        let known = Array(targets)
        return loops.map(\.name).filter { name in
            !known.contains { Self.normalized($0) == name || Self.names(in: $0).contains(name) }
        }
    }

    private static func part(_ text: Substring, of name: String) throws -> Part {
        func index(_ text: Substring) throws -> Int {
            guard let value = Int(text.trimmed), value >= 0 else {
                throw IterationSelectionError(
                    "'\(text)' is not an iteration of '\(name)'; iterations are counted from 0, as in "
                        + "\(name)=3, \(name)=3..7 or \(name)=last.")
            }
            return value
        }
        if text == "last" { return .last }
        guard let dots = text.firstRange(of: "..") else {
            let value = try index(text)
            return .range(value...value)
        }
        let lower = text[..<dots.lowerBound]
        let upper = text[dots.upperBound...]
        if upper.trimmed == "last" || upper.trimmed.isEmpty { return .from(try index(lower)) }
        let first = lower.trimmed.isEmpty ? 0 : try index(lower)
        let final = try index(upper)
        guard first <= final else {
            throw IterationSelectionError("The range \(text) of '\(name)' ends before it begins.")
        }
        return .range(first...final)
    }

    /// Splits at commas outside brackets: a target may be `(i, j)`.
    private static func split(_ text: String) -> [Substring] {
        var pieces: [Substring] = []
        var depth = 0
        var start = text.startIndex
        for index in text.indices {
            switch text[index] {
            case "(", "[": depth += 1
            case ")", "]": depth -= 1
            case "," where depth == 0:
                pieces.append(text[start..<index])
                start = text.index(after: index)
            default: break
            }
        }
        pieces.append(text[start...])
        return pieces
    }

    /// The last `=` that is no part of a comparison, so that a `while` condition can be named.
    private static func assignment(in text: Substring) -> Substring.Index? {
        guard let equals = text.lastIndex(of: "=") else { return nil }
        return equals
    }

    private static func normalized(_ target: String) -> String {
        var text = String(target.filter { !$0.isWhitespace })
        if text.hasPrefix("("), text.hasSuffix(")") { text = String(text.dropFirst().dropLast()) }
        return text
    }

    private static func names(in target: String) -> Set<String> {
        let isPart = { (character: Character) in
            character.isLetter || character.isNumber || character == "_" || character == "."
        }
        return Set(target.split { !isPart($0) }.map(String.init))
    }
}

/// A sentence about a specification of iterations that cannot be read.
public struct IterationSelectionError: Error, Hashable, Sendable, CustomStringConvertible {
    public var description: String

    init(_ description: String) { self.description = description }
}

extension Substring {
    fileprivate var trimmed: Substring {
        var result = self
        while result.first?.isWhitespace == true { result.removeFirst() }
        while result.last?.isWhitespace == true { result.removeLast() }
        return result
    }
}

extension Substring {
    /// The standard library's own search for a substring needs a newer platform than the package asks for.
    fileprivate func firstRange(of text: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(text) {
                return start..<index(start, offsetBy: text.count)
            }
            start = index(after: start)
        }
        return nil
    }
}
