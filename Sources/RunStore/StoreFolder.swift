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

    /// Makes what is missing. A store may hold environment variables and pickles: it is the user's alone.
    func create() throws {
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
        try createFile(database, contents: "", mode: 0o600)
    }

    private func createFile(_ path: String, contents: String, mode: mode_t) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        guard descriptor >= 0 else {
            if errno == EEXIST { return }
            throw failure(path)
        }
        defer { close(descriptor) }
        let bytes = Array(contents.utf8)
        guard write(descriptor, bytes, bytes.count) == bytes.count else { throw failure(path) }
    }

    private func failure(_ path: String) -> StoreError {
        let code = errno
        if case .diskFull = StoreError.system(writing: path, code: code) { return .diskFull(path: path) }
        return .cannotOpen(directory: directory, reason: "\(path): \(String(cString: strerror(code)))")
    }
}
