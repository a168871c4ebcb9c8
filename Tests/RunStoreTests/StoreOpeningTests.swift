import Foundation
import GRDB
import HindsightCore
import Testing

@testable import RunStore

@Suite struct StoreOpeningTests {
    @Test func theStoreIsTheUsersAlone() throws {
        let scratch = try ScratchStore()
        try scratch.writer().flush()
        func mode(_ name: String) -> mode_t {
            var status = stat()
            return stat(scratch.location.directory + name, &status) == 0 ? status.st_mode & 0o777 : 0
        }
        #expect(mode("") == 0o700)
        #expect(mode("/index.sqlite") == 0o600)
        #expect(mode("/index.sqlite-wal") == 0o600)
        #expect(
            try String(contentsOfFile: scratch.location.directory + "/.gitignore", encoding: .utf8) == "*\n")
    }

    @Test func aStoreOfANewerVersionIsRefusedInAClearSentence() throws {
        let scratch = try ScratchStore()
        try scratch.store.pool.write { db in
            try db.execute(sql: "INSERT INTO grdb_migrations (identifier) VALUES ('99 from the future')")
        }
        #expect(throws: StoreError.newerStore(directory: scratch.location.directory)) {
            try Store.open(scratch.location)
        }
    }

    @Test func aFileThatIsNoDatabaseIsRefusedInAClearSentence() throws {
        let scratch = try ScratchStore()
        let location = StoreLocation(root: scratch.location.root, directory: scratch.location.root + "/other")
        try FileManager.default.createDirectory(atPath: location.directory, withIntermediateDirectories: true)
        try Data(repeating: 65, count: 9000).write(
            to: URL(fileURLWithPath: location.directory + "/index.sqlite"))
        #expect {
            try Store.open(location)
        } throws: { error in
            "\(error)".hasPrefix("the store \(location.directory) cannot be opened")
        }
    }

    @Test func nothingIsMadeByLooking() throws {
        let scratch = try ScratchStore()
        let location = StoreLocation(root: scratch.location.root, directory: scratch.location.root + "/none")
        #expect(try Store.openExisting(location) == nil)
        #expect(!FileManager.default.fileExists(atPath: location.directory))
    }

    @Test func manyMayOpenANewStoreAtOnce() async throws {
        let root = NSTemporaryDirectory() + "hindsight-store-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: root) }
        let location = StoreLocation(root: root, directory: root + "/.hindsight")
        let openings = (0..<4).map { _ in Thread.detached { try Store.open(location).runs().count } }
        for opening in openings { #expect(try await opening.value == 0) }
    }

    @Test func theRootIsTheNearestAncestorWithAStoreOrARepository() throws {
        let scratch = try ScratchStore()
        let root = String(cString: try #require(realpath(scratch.location.root, nil)))
        let inner = root + "/pkg/deep"
        try FileManager.default.createDirectory(atPath: inner, withIntermediateDirectories: true)
        func find(_ directory: String, _ override: String? = nil, _ variable: String? = nil) -> StoreLocation
        {
            StoreLocation.find(
                from: directory, override: override,
                environment: variable.map { ["HINDSIGHT_STORE": $0] } ?? [:])
        }
        #expect(find(inner) == StoreLocation(root: root, directory: root + "/.hindsight"))
        #expect(find(inner, "there").directory == inner + "/there")
        #expect(find(inner, nil, "/srv/runs") == StoreLocation(root: root, directory: "/srv/runs"))
        #expect(find(inner, "/a", "/srv/runs").directory == "/a")
        try FileManager.default.createDirectory(atPath: root + "/pkg/.git", withIntermediateDirectories: true)
        #expect(find(inner).root == root + "/pkg")
    }
}
