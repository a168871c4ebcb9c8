/// Modules of the project that edited files import and the recorded program did not have: code may have moved there.
public enum NewModules {
    /// More than a refactoring makes, and no burden.
    private static let limit = 50

    /// - Parameters:
    ///   - edited: Files that differ from the recorded ones.
    ///   - known: The paths of the recorded files and of the edited ones.
    ///   - read: The text at a path relative to the project's root; nil where there is none.
    public static func imported(
        by edited: [SourceFile], known: Set<String>, read: (String) -> String?
    ) -> [SourceFile] {
        var known = known
        var found: [SourceFile] = []
        var pending = edited
        while let file = pending.popLast() {
            for path in candidates(of: file) where found.count < limit && !known.contains(path) {
                known.insert(path)
                guard let text = read(path) else { continue }
                let module = SourceFile(path: path, text: text)
                found.append(module)
                pending.append(module)
            }
        }
        return found
    }

    /// Where the modules may be that a file imports, as far as they can be in the project.
    private static func candidates(of file: SourceFile) -> [String] {
        var folders: [[Substring]] = []
        var folder = file.path.split(separator: "/").dropLast()
        while true {
            folders.append(Array(folder))
            guard folder.popLast() != nil else { break }
        }
        var paths: [String] = []
        for name in importedNames(file.text) {
            let dots = name.prefix { $0 == "." }.count
            let parts = name.dropFirst(dots).split(separator: ".")
            guard !parts.isEmpty, dots <= folders.count else { continue }
            for base in dots > 0 ? [folders[dots - 1]] : folders {
                for count in 1...parts.count {
                    let path = (base + parts.prefix(count)).joined(separator: "/")
                    paths += [path + ".py", path + "/__init__.py"]
                }
            }
        }
        return paths
    }

    /// Dotted names that import statements mention, one for every name behind `from … import`.
    private static func importedNames(_ text: String) -> [String] {
        var names: [String] = []
        for line in text.split(whereSeparator: \.isNewline) {
            let words = line.split { " \t,();".contains($0) }
            guard let first = words.first, first == "import" || first == "from" else { continue }
            if first == "import" {
                names += words.dropFirst().map(String.init)
            } else if words.count > 1 {
                let module = String(words[1])
                names.append(module)
                let separator = module.hasSuffix(".") ? "" : "."
                names += words.dropFirst(3).map { module + separator + $0 }
            }
        }
        return names
    }
}
