import Foundation
import Testing

@testable import Recording

@Suite struct CommandLookupTests {
    @Test func commandsAreFoundAsByAShell() throws {
        let project = try ScratchProject()
        try project.write("run", "#!/bin/sh\n")
        try project.write("plain", "")
        chmod(project.root + "/run", 0o755)
        let path = "/nowhere:\(project.root)"
        #expect(try CommandLookup.find("run", path: path) == project.root + "/run")
        #expect(try CommandLookup.find(project.root + "/run", path: nil) == project.root + "/run")
        #expect(throws: CommandLookup.Failure.notExecutable(project.root + "/plain")) {
            try CommandLookup.find("plain", path: path)
        }
        #expect(throws: CommandLookup.Failure.notFound("none")) { try CommandLookup.find("none", path: path) }
        #expect(throws: CommandLookup.Failure.notExecutable(project.root)) {
            try CommandLookup.find(project.root, path: nil)
        }
    }

    @Test func theEnvironmentOfTheProgramGainsWhatTheRuntimeNeeds() {
        func changes(_ inherited: [String: String]) -> [String: String] {
            ProgramEnvironment(inherited: inherited, socket: "/s", root: "/r", budget: 0.01).changes
        }
        let plain = changes([:])
        #expect(plain["PYTHONPATH"]?.hasSuffix("/python/start") == true)
        #expect(plain["PYTHONHASHSEED"] == plain["HINDSIGHT_HASHSEED"])
        #expect(plain["PYTHONHASHSEED"] != nil)
        #expect(plain["HINDSIGHT_BUDGET"] == "0.01" && plain["HINDSIGHT_MODE"] == "record")
        let given = changes(["PYTHONPATH": "/a::/b", "PYTHONHASHSEED": "5"])
        #expect(given["PYTHONPATH"]?.hasSuffix("/python/start:/a::/b") == true)
        #expect(given["PYTHONHASHSEED"] == nil && given["HINDSIGHT_HASHSEED"] == nil)
        // A recorder below a recorder does not add its folder twice.
        #expect(changes(["PYTHONPATH": given["PYTHONPATH"] ?? ""])["PYTHONPATH"] == given["PYTHONPATH"])
    }
}
