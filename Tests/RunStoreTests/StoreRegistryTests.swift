import Foundation
import Testing

@testable import RunStore

@Suite struct StoreRegistryTests {
    /// A folder for stores and one for the registry, removed with it.
    final class Folder {
        let path = NSTemporaryDirectory() + "hindsight-registry-\(UUID().uuidString)"
        var registry: StoreRegistry { StoreRegistry(folders: [path + "/state"]) }

        init() throws {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        }

        deinit { try? FileManager.default.removeItem(atPath: path) }

        func location(_ name: String) -> StoreLocation {
            StoreLocation(root: path + "/" + name, directory: path + "/" + name + "/.hindsight")
        }
    }

    @Test func aStoreThatARecordingMadeIsTrustedWhereverItIsMoved() throws {
        let folder = try Folder()
        #expect(folder.registry.claim(try Store.open(folder.location("a"))) == nil)
        #expect(folder.registry.trusts(try Store.open(folder.location("a"))))
        // Recording again says nothing.
        #expect(folder.registry.claim(try Store.open(folder.location("a"))) == nil)
        try FileManager.default.moveItem(atPath: folder.path + "/a", toPath: folder.path + "/b")
        let moved = try #require(try Store.openExisting(folder.location("b")))
        #expect(folder.registry.trusts(moved))
    }

    @Test func aStoreFromElsewhereIsNotTrustedEvenAfterRecordingIntoIt() throws {
        let folder = try Folder()
        _ = try Store.open(folder.location("downloaded"))
        let store = try Store.open(folder.location("downloaded"))
        #expect(!folder.registry.trusts(store))
        let warning = try #require(folder.registry.claim(store))
        #expect(warning.contains("--trust-store"))
        #expect(!folder.registry.trusts(store))
        try folder.registry.trust(store)
        #expect(folder.registry.trusts(store))
    }

    @Test func anIdThatWasThereBeforeTheIndexIsReplaced() throws {
        let folder = try Folder()
        let directory = folder.location("planted").directory
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let planted = String(repeating: "a", count: 32)
        try planted.write(toFile: directory + "/id", atomically: true, encoding: .utf8)
        let store = try Store.open(folder.location("planted"))
        #expect(folder.registry.claim(store) == nil)
        let id = try #require(store.folder.identity())
        #expect(id != planted)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path + "/state") == [id])
    }

    @Test func anIdThatIsAPathIsNone() throws {
        let folder = try Folder()
        let store = try Store.open(folder.location("a"))
        try FileManager.default.createDirectory(
            atPath: folder.path + "/state", withIntermediateDirectories: true)
        try "../../a/.hindsight/index.sqlite".write(
            toFile: store.folder.directory + "/id", atomically: true, encoding: .utf8)
        #expect(!folder.registry.trusts(store))
    }

    @Test func aRegistryThatCannotBeWrittenIsToldAndHarmless() throws {
        let folder = try Folder()
        try "a file".write(toFile: folder.path + "/state", atomically: true, encoding: .utf8)
        let store = try Store.open(folder.location("a"))
        let warning = try #require(folder.registry.claim(store))
        #expect(warning.contains(folder.path + "/state cannot be written"))
        #expect(!folder.registry.trusts(store))
    }

    @Test func theUsersRegistryIsFoundWithAndWithoutVariables() throws {
        let folder = try Folder()
        let store = try Store.open(folder.location("a"))
        let named = StoreRegistry.ofUser(environment: ["XDG_STATE_HOME": folder.path + "/xdg"])
        #expect(named.claim(store) == nil)
        #expect(FileManager.default.fileExists(atPath: folder.path + "/xdg/hindsight/stores"))
        #expect(named.trusts(store))
        #expect(!StoreRegistry.ofUser(environment: ["HOME": folder.path]).trusts(store))
    }
}
