import Foundation

/// The files of a store: the index, the packs, and one lock for each live run.
struct StoreFolder: Sendable {
    let directory: String

    var database: String { directory + "/index.sqlite" }
    var blobs: String { directory + "/blobs" }
    var live: String { directory + "/live" }
    var lock: String { directory + "/lock" }

    func pack(_ name: String) -> String { blobs + "/" + name }

    var exists: Bool { FileManager.default.fileExists(atPath: database) }

    /// Makes what is missing; tells whether it made the index. A store may hold environment variables and pickles: it is the user's alone.
    func create() throws -> Bool {
        if mkdir(directory, 0o700) != 0, errno != EEXIST {
            guard errno == ENOENT else { throw failure(directory) }
            do {
                try FileManager.default.createDirectory(
                    atPath: directory, withIntermediateDirectories: true,
                    attributes: [.posixPermissions: 0o700])
            } catch {
                throw StoreError.cannotOpen(directory: directory, reason: error.localizedDescription)
            }
        }
        for folder in [blobs, live] {
            if mkdir(folder, 0o700) != 0, errno != EEXIST { throw failure(folder) }
        }
        try createFile(directory + "/.gitignore", contents: "*\n", mode: 0o600)
        // SQLite gives its side files the permissions that the database has.
        let isNew = try createFile(database, contents: "", mode: 0o600)
        if isNew { try createIdentity() }
        return isNew
    }

    private var identityFile: String { directory + "/id" }

    /// The store's random id; nil where there is none, or something that is none.
    func identity() -> String? {
        guard let data = FileManager.default.contents(atPath: identityFile) else { return nil }
        let text = String(decoding: data.prefix(64), as: UTF8.self).trimmingCharacters(in: .newlines)
        // It becomes the name of a file.
        guard text.utf8.count == 32, text.allSatisfy(\.isHexDigit) else { return nil }
        return text
    }

    /// Gives the store a new id, in the place of any that was there before its index.
    func createIdentity() throws {
        unlink(identityFile)
        let id = (0..<2).map { _ in String(format: "%016lx", UInt.random(in: 0...UInt.max)) }.joined()
        try createFile(identityFile, contents: id + "\n", mode: 0o600)
    }

    @discardableResult
    private func createFile(_ path: String, contents: String, mode: mode_t) throws -> Bool {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        guard descriptor >= 0 else {
            if errno == EEXIST { return false }
            throw failure(path)
        }
        defer { close(descriptor) }
        let bytes = Array(contents.utf8)
        guard write(descriptor, bytes, bytes.count) == bytes.count else { throw failure(path) }
        return true
    }

    private func failure(_ path: String) -> StoreError {
        let code = errno
        if case .diskFull = StoreError.system(writing: path, code: code) { return .diskFull(path: path) }
        return .cannotOpen(directory: directory, reason: "\(path): \(String(cString: strerror(code)))")
    }
}
