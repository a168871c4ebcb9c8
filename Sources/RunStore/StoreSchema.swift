import GRDB

/// The tables, one migration for each change of them. A migration that has shipped is never edited.
enum StoreSchema {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 runs", migrate: createFirstTables)
        migrator.registerMigration("2 files", migrate: createFileTable)
        migrator.registerMigration("3 reach of checkpoints", migrate: addReach)
        return migrator
    }

    private static func createFirstTables(_ db: Database) throws {
        // Rows of a run refer to it by `key`, a small integer; `id` is its name for people.
        try db.execute(
            sql: """
                CREATE TABLE run (
                    key INTEGER PRIMARY KEY,
                    id TEXT NOT NULL UNIQUE,
                    name TEXT,
                    program TEXT NOT NULL,
                    module TEXT,
                    command TEXT NOT NULL,
                    interpreter TEXT NOT NULL,
                    workingDirectory TEXT NOT NULL,
                    root TEXT NOT NULL,
                    environment TEXT NOT NULL,
                    withheld TEXT NOT NULL,
                    fingerprint TEXT NOT NULL,
                    hashSeed TEXT,
                    python TEXT NOT NULL,
                    processID INTEGER NOT NULL,
                    budget REAL NOT NULL,
                    started REAL NOT NULL,
                    duration REAL NOT NULL,
                    overhead REAL NOT NULL,
                    status TEXT NOT NULL,
                    exitCode INTEGER,
                    reason TEXT
                );
                CREATE INDEX runByStart ON run(started);

                CREATE TABLE source (
                    run INTEGER NOT NULL REFERENCES run(key) ON DELETE CASCADE,
                    path TEXT NOT NULL,
                    module TEXT NOT NULL,
                    text TEXT NOT NULL,
                    loops TEXT NOT NULL,
                    PRIMARY KEY (run, path, module)
                );
                CREATE INDEX sourceByPath ON source(path, run);

                CREATE TABLE site (
                    key INTEGER PRIMARY KEY,
                    run INTEGER NOT NULL REFERENCES run(key) ON DELETE CASCADE,
                    name TEXT NOT NULL,
                    UNIQUE (run, name)
                );

                CREATE TABLE logRecord (
                    run INTEGER NOT NULL REFERENCES run(key) ON DELETE CASCADE,
                    sequence INTEGER NOT NULL,
                    site INTEGER NOT NULL,
                    detail BLOB NOT NULL,
                    PRIMARY KEY (run, sequence)
                ) WITHOUT ROWID;

                CREATE TABLE milestone (
                    run INTEGER NOT NULL REFERENCES run(key) ON DELETE CASCADE,
                    sequence INTEGER NOT NULL,
                    kind TEXT NOT NULL,
                    elapsed REAL NOT NULL,
                    detail BLOB NOT NULL,
                    PRIMARY KEY (run, sequence)
                ) WITHOUT ROWID;

                CREATE TABLE entropy (
                    run INTEGER NOT NULL REFERENCES run(key) ON DELETE CASCADE,
                    sequence INTEGER NOT NULL,
                    source TEXT NOT NULL,
                    value TEXT NOT NULL,
                    PRIMARY KEY (run, sequence)
                ) WITHOUT ROWID;

                CREATE TABLE initialState (
                    run INTEGER NOT NULL REFERENCES run(key) ON DELETE CASCADE,
                    name TEXT NOT NULL,
                    state TEXT NOT NULL,
                    PRIMARY KEY (run, name)
                );

                CREATE TABLE note (
                    key INTEGER PRIMARY KEY,
                    run INTEGER NOT NULL REFERENCES run(key) ON DELETE CASCADE,
                    text TEXT NOT NULL,
                    UNIQUE (run, text)
                );

                CREATE TABLE pack (
                    key INTEGER PRIMARY KEY,
                    name TEXT NOT NULL UNIQUE,
                    size INTEGER NOT NULL
                );

                CREATE TABLE blob (
                    key INTEGER PRIMARY KEY,
                    sha256 BLOB NOT NULL UNIQUE,
                    pack INTEGER NOT NULL REFERENCES pack(key),
                    offset INTEGER NOT NULL,
                    length INTEGER NOT NULL,
                    suspect INTEGER NOT NULL DEFAULT 0
                );
                CREATE INDEX blobByPack ON blob(pack);

                CREATE TABLE checkpoint (
                    key INTEGER PRIMARY KEY,
                    run INTEGER NOT NULL REFERENCES run(key) ON DELETE CASCADE,
                    number INTEGER NOT NULL,
                    kind TEXT NOT NULL,
                    elapsed REAL NOT NULL,
                    size INTEGER NOT NULL,
                    stored INTEGER NOT NULL,
                    layout TEXT NOT NULL,
                    logs INTEGER NOT NULL,
                    entropy INTEGER NOT NULL,
                    lost TEXT NOT NULL,
                    cost TEXT NOT NULL,
                    detail BLOB NOT NULL,
                    damage TEXT,
                    UNIQUE (run, number)
                );

                CREATE TABLE checkpointBlob (
                    checkpoint INTEGER NOT NULL REFERENCES checkpoint(key) ON DELETE CASCADE,
                    position INTEGER NOT NULL,
                    blob INTEGER NOT NULL REFERENCES blob(key),
                    PRIMARY KEY (checkpoint, position)
                ) WITHOUT ROWID;
                CREATE INDEX checkpointByBlob ON checkpointBlob(blob);

                CREATE TABLE verifiedSegment (
                    run INTEGER NOT NULL REFERENCES run(key) ON DELETE CASCADE,
                    first INTEGER NOT NULL,
                    last INTEGER NOT NULL,
                    PRIMARY KEY (run, first, last)
                );

                CREATE TABLE answer (
                    key INTEGER PRIMARY KEY,
                    run INTEGER NOT NULL REFERENCES run(key) ON DELETE CASCADE,
                    fingerprint TEXT NOT NULL,
                    hits BLOB NOT NULL,
                    UNIQUE (run, fingerprint)
                );
                """)
    }

    private static func createFileTable(_ db: Database) throws {
        try db.execute(
            sql: """
                CREATE TABLE file (
                    run INTEGER NOT NULL REFERENCES run(key) ON DELETE CASCADE,
                    sequence INTEGER NOT NULL,
                    kind TEXT NOT NULL,
                    path TEXT NOT NULL,
                    state TEXT NOT NULL,
                    size INTEGER NOT NULL,
                    modified INTEGER NOT NULL,
                    inode INTEGER NOT NULL,
                    checkpoint INTEGER,
                    blob INTEGER REFERENCES blob(key),
                    PRIMARY KEY (run, sequence)
                ) WITHOUT ROWID;
                CREATE INDEX fileByBlob ON file(blob);
                """)
    }

    private static func addReach(_ db: Database) throws {
        try db.execute(sql: "ALTER TABLE checkpoint ADD COLUMN reachableFrom INTEGER NOT NULL DEFAULT 0")
    }
}
