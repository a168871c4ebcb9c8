import Foundation
import GRDB
import HindsightCore

/// The recorded runs of a project: an SQLite index and packs of checkpoint data beside it.
///
/// Everything here blocks; callers keep it off the cooperative pool. Several processes may use a store at
/// once: one records while others read what is there so far.
public final class Store: Sendable {
    public let location: StoreLocation
    let folder: StoreFolder
    let pool: DatabasePool
    /// Whether there was no index before this store was opened.
    let isNew: Bool

    private init(location: StoreLocation, folder: StoreFolder, pool: DatabasePool, isNew: Bool) {
        self.location = location
        self.isNew = isNew
        self.folder = folder
        self.pool = pool
    }

    /// Finds the project and its store from a directory inside it. `override` is `--store`; without it the
    /// variable `HINDSIGHT_STORE` decides, then `.hindsight` in the root.
    public static func locate(from directory: String, override: String?) -> StoreLocation {
        StoreLocation.find(
            from: directory, override: override, environment: ProcessInfo.processInfo.environment)
    }

    /// Opens the store; makes it where there is none.
    public static func open(_ location: StoreLocation) throws -> Store {
        let folder = StoreFolder(directory: location.directory)
        let isNew = try folder.create()
        return try open(location, folder, isNew: isNew)
    }

    /// Opens the store; nil where there is none.
    public static func openExisting(_ location: StoreLocation) throws -> Store? {
        let folder = StoreFolder(directory: location.directory)
        return folder.exists ? try open(location, folder, isNew: false) : nil
    }

    private static func open(
        _ location: StoreLocation, _ folder: StoreFolder, isNew: Bool
    ) throws -> Store {
        var configuration = Configuration()
        configuration.label = "hindsight"
        // Another process may be writing a batch; it never takes this long unless the disk is stuck.
        configuration.busyMode = .timeout(30)
        do {
            // Two processes that open a new store at the same moment would both try to make its tables.
            let lock = try FileLock.wait(for: folder.lock)
            defer { _ = lock }
            let pool = try DatabasePool(path: folder.database, configuration: configuration)
            let migrator = StoreSchema.migrator
            if try pool.read(migrator.hasBeenSuperseded) {
                throw StoreError.newerStore(directory: folder.directory)
            }
            if try !pool.read(migrator.hasCompletedMigrations) {
                try migrator.migrate(pool)
            }
            return Store(location: location, folder: folder, pool: pool, isNew: isNew)
        } catch let error as DatabaseError {
            throw sentence(for: error, in: folder)
        }
    }

    static func sentence(for error: DatabaseError, in folder: StoreFolder) -> StoreError {
        if error.resultCode == .SQLITE_FULL { return .diskFull(path: folder.database) }
        return .cannotOpen(
            directory: folder.directory, reason: error.message ?? error.resultCode.description)
    }

    func read<Value>(_ body: (Database) throws -> Value) throws -> Value {
        do {
            return try pool.read(body)
        } catch let error as DatabaseError {
            throw StoreError.damagedRow(
                "\(folder.database): \(error.message ?? error.resultCode.description)")
        }
    }

    func write<Value>(_ body: (Database) throws -> Value) throws -> Value {
        do {
            return try pool.write(body)
        } catch let error as DatabaseError {
            if error.resultCode == .SQLITE_FULL { throw StoreError.diskFull(path: folder.database) }
            throw StoreError.cannotWrite(
                path: folder.database, reason: error.message ?? error.resultCode.description)
        }
    }

    /// The run's number in the index.
    static func key(of run: RunID, _ db: Database) throws -> Int64 {
        guard
            let key = try Int64.fetchOne(
                db, sql: "SELECT key FROM run WHERE id = ?", arguments: [run.description])
        else { throw StoreError.noSuchRun(run.description) }
        return key
    }
}
