import Foundation
import GRDB
import HindsightCore

extension Store {
    /// Begins a run. It counts as running until `finish`, or until the process ends.
    public func writer(for new: NewRun) throws -> RunWriter {
        try writer(for: new, limit: 1_000_000)
    }

    /// `limit` bounds the records that wait in memory.
    func writer(for new: NewRun, limit: Int) throws -> RunWriter {
        let (id, lock) = try unusedID()
        let (environment, withheld) = EnvironmentSecrets.divide(new.environment)
        let key = try write { db in
            try db.execute(
                sql: """
                    INSERT INTO run
                        (id, name, program, module, command, interpreter, workingDirectory, root,
                         environment, withheld, fingerprint, hashSeed, python, processID, budget,
                         started, duration, overhead, status)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '{}', ?, ?, ?, ?, ?, 0, 0, 'running')
                    """,
                arguments: [
                    id.description, new.name, new.program, new.module, try JSONColumn.encode(new.command),
                    new.interpreter, new.workingDirectory, new.root, try JSONColumn.encode(environment),
                    try JSONColumn.encode(withheld), new.hashSeed, new.python, new.processID, new.budget,
                    new.started.timeIntervalSince1970,
                ])
            return db.lastInsertedRowID
        }
        return RunWriter(store: self, run: id, key: key, started: new.started, lock: lock, limit: limit)
    }

    /// Removes what recorders that died left behind: packs that never got into the index, and locks.
    public func removeLeftovers() throws {
        let files = FileManager.default
        let packs = try files.contentsOfDirectory(atPath: folder.blobs)
        let locks = try files.contentsOfDirectory(atPath: folder.live)
        let free = locks.filter { !FileLock.isHeld(folder.live + "/" + $0) }
        let live = Set(locks.filter { !free.contains($0) }.map { $0.prefix { $0 != "." } })
        // Read after the locks: a pack of a run that ended in between is in the index by now.
        let (indexed, runs) = try read { db in
            (
                try Set(String.fetchCursor(db, sql: "SELECT name FROM pack")),
                try Set(String.fetchCursor(db, sql: "SELECT id FROM run"))
            )
        }
        for pack in packs where !indexed.contains(pack) && !live.contains(pack.prefix { $0 != "-" }) {
            unlink(folder.pack(pack))
        }
        // A lock comes before its run is in the index: one without a run may be about to be taken.
        for lock in free where runs.contains(String(lock.prefix { $0 != "." })) {
            unlink(folder.live + "/" + lock)
        }
    }

    private func unusedID() throws -> (RunID, FileLock) {
        while true {
            let id = RunID(String(format: "%08x", UInt32.random(in: 0...UInt32.max)))
            // The lock comes first: a run in the index without one would look interrupted.
            guard let lock = try FileLock.take(folder.lock(of: id)) else { continue }
            let taken = try read { db in
                try Bool.fetchOne(
                    db, sql: "SELECT EXISTS (SELECT 1 FROM run WHERE id = ?)", arguments: [id.description])
                    ?? false
            }
            if !taken { return (id, lock) }
        }
    }
}
