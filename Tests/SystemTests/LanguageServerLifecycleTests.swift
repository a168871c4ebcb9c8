import Foundation
import LanguageServerProtocol
import Testing

extension WholeSystem {
    /// The server as a process: how it starts, answers and ends, whatever the client does.
    @Suite struct LanguageServerLifecycleTests {
        private func client() throws -> EditorClient {
            try EditorClient(directory: FileManager.default.temporaryDirectory.path)
        }

        private func code(_ answer: JSONValue) -> Int? { answer["error"]?["code"]?.integerValue }

        @Test func aSessionFromInitializeToExit() throws {
            let client = try client()
            let result = try client.initialize()
            let capabilities = result["capabilities"]
            #expect(result["serverInfo"]?["name"] == "hindsight")
            #expect(capabilities?["textDocumentSync"]?["change"] == 2)
            #expect(capabilities?["hoverProvider"] == true)
            #expect(capabilities?["executeCommandProvider"]?["commands"]?.arrayValue?.isEmpty == false)
            #expect(try client.shutDown() == 0)
        }

        @Test func theFirstEncodingThatTheServerKnowsIsTaken() throws {
            for (offer, choice) in [
                (["utf-32", "utf-8"], "utf-32"), (["utf-8"], "utf-8"), (["latin-1", "utf-16"], "utf-16"),
                ([], "utf-16"),
            ] as [([String], String)] {
                let client = try client()
                let result = try client.initialize(
                    capabilities: ["general": ["positionEncodings": .array(offer.map { .string($0) })]])
                #expect(result["capabilities"]?["positionEncoding"]?.stringValue == choice)
                try client.shutDown()
            }
        }

        @Test func anExitWithoutShutdownIsAnError() throws {
            let client = try client()
            try client.initialize()
            client.notify("exit", .null)
            #expect(try client.waitForExit() == 1)
        }

        @Test func theEndOfInputEndsTheServer() throws {
            let rude = try client()
            try rude.initialize()
            rude.closeInput()
            #expect(try rude.waitForExit() == 1)

            let polite = try client()
            try polite.initialize()
            try polite.request("shutdown", .null)
            polite.closeInput()
            #expect(try polite.waitForExit() == 0)

            let silent = try client()
            silent.closeInput()
            #expect(try silent.waitForExit() == 1)
        }

        @Test func aDeadEditorEndsTheServer() throws {
            let editor = Process()
            editor.executableURL = URL(fileURLWithPath: "/bin/sleep")
            editor.arguments = ["600"]
            try editor.run()
            let client = try client()
            try client.request(
                "initialize", ["processId": .integer(Int(editor.processIdentifier)), "capabilities": [:]])
            // Threads of a test block milder signals, and their children inherit that.
            kill(editor.processIdentifier, SIGKILL)
            while editor.isRunning { usleep(5000) }
            #expect(try client.waitForExit() == 1)
        }

        @Test func requestsOutsideTheSessionAreRefused() throws {
            let client = try client()
            #expect(code(try client.response(to: client.sendRequest("textDocument/hover", [:]))) == -32002)
            client.notify("textDocument/didOpen", [:])
            try client.initialize()
            #expect(
                code(try client.response(to: client.sendRequest("initialize", ["capabilities": [:]])))
                    == -32600)
            try client.request("shutdown", .null)
            #expect(code(try client.response(to: client.sendRequest("textDocument/hover", [:]))) == -32600)
            client.notify("exit", .null)
            #expect(try client.waitForExit() == 0)
        }

        @Test func aFirstRequestThatCannotBeReadMayBeSentAgain() throws {
            let client = try client()
            #expect(code(try client.response(to: client.sendRequest("initialize", "nonsense"))) == -32602)
            try client.initialize(capabilities: ["general": "nonsense", "workspace": [1]])
            #expect(try client.shutDown() == 0)
        }
    }
}
