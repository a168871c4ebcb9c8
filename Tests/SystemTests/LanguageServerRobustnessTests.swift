import Foundation
import Gallery
import LanguageServerProtocol
import Testing

extension WholeSystem {
    /// The server against clients that send what they should not.
    @Suite struct LanguageServerRobustnessTests {
        private func client() throws -> EditorClient {
            let client = try EditorClient(directory: FileManager.default.temporaryDirectory.path)
            // A client that announces nothing is asked nothing: only the test itself writes.
            try client.initialize(capabilities: [:])
            return client
        }

        private func raw(_ client: EditorClient, _ body: String) {
            client.sendRaw(EditorClient.frame(Data(body.utf8)))
        }

        private func errors(_ client: EditorClient) -> [Int] {
            client.received.filter { $0["id"] == .null }.compactMap { $0["error"]?["code"]?.integerValue }
        }

        private func code(_ answer: JSONValue) -> Int? { answer["error"]?["code"]?.integerValue }

        /// A request that every server in good health answers.
        private func isAlive(_ client: EditorClient) throws -> Bool {
            try client.response(to: client.sendRequest("no/such", [:]))["error"]?["code"] == -32601
        }

        @Test func malformedMessagesAreAnsweredAndSurvived() throws {
            let client = try client()
            raw(client, "{\"jsonrpc\":")
            raw(client, "")
            raw(client, "\u{1}\u{2}")
            raw(client, "[]")
            raw(client, "7")
            raw(client, #"{"jsonrpc":"2.0"}"#)
            raw(client, #"{"jsonrpc":"2.0","id":{},"method":"textDocument/hover"}"#)
            #expect(try isAlive(client))
            #expect(errors(client) == [-32700, -32700, -32700, -32600, -32600, -32600, -32600])
            client.sendRaw(Data("Content-Length: much\r\n\r\n".utf8))
            client.sendRaw(Data("not a header at all\r\n\r\n".utf8))
            client.sendRaw(Data("Content-Length: 99999999999\r\n\r\n".utf8))
            // What follows an announced length beyond all limits is lost: the client has to end there.
            client.closeInput()
            #expect(try client.waitForExit() == 1)
        }

        @Test func aWrongLengthLosesOneMessageOnly() throws {
            let client = try client()
            client.sendRaw(
                Data("Content-Length: 5\r\n\r\n{\"jsonrpc\":\"2.0\",\"id\":77,\"method\":\"x\"}".utf8))
            #expect(try isAlive(client))
            #expect(try client.shutDown() == 0)
        }

        @Test func invalidParametersAreNamed() throws {
            let client = try client()
            for (method, parameters) in [
                ("textDocument/hover", ["textDocument": [:]]), ("textDocument/hover", .null),
                ("textDocument/inlayHint", ["textDocument": ["uri": 7], "range": [:]]),
                ("workspace/executeCommand", [:]), ("hindsight/values", []),
                ("workspace/executeCommand", ["command": "no.such"]),
            ] as [(String, JSONValue)] {
                let answer = try client.response(to: client.sendRequest(method, parameters))
                #expect(code(answer) == -32602, "\(method)")
                #expect(answer["error"]?["message"]?.stringValue?.isEmpty == false)
            }
            // Notifications have no answer, and do no harm.
            for method in ["textDocument/didOpen", "textDocument/didChange", "$/cancelRequest", "no/such"] {
                client.notify(method, ["nonsense": 1])
            }
            client.notify(
                "textDocument/didChange",
                ["textDocument": ["uri": "file:///nowhere.py", "version": 2], "contentChanges": []])
            #expect(try isAlive(client))
            #expect(try client.shutDown() == 0)
        }

        @Test func everyRequestIsAnsweredOnceWhateverIsCancelled() throws {
            let client = try client()
            let methods = ["textDocument/hover", "no/such", "textDocument/codeLens", "hindsight/values"]
            var ids: [JSONValue] = []
            for number in 0..<400 {
                let parameters: JSONValue = [
                    "textDocument": ["uri": "file:///nowhere.py"], "position": ["line": 0, "character": 0],
                ]
                let id = client.sendRequest(methods[number % methods.count], parameters)
                ids.append(id)
                if number % 3 == 0 { client.notify("$/cancelRequest", ["id": id]) }
            }
            client.notify("$/cancelRequest", ["id": "never seen"])
            for id in ids { _ = try client.response(to: id) }
            #expect(try isAlive(client))
            let answered = client.received.filter { $0["method"] == nil }.compactMap { $0["id"] }
            for id in ids { #expect(answered.filter { $0 == id }.count == 1) }
            try client.shutDown()
        }

        @Test func bytesMayTrickle() throws {
            let client = try client()
            let body = Data(#"{"jsonrpc":"2.0","id":"slow","method":"no/such"}"#.utf8)
            for byte in EditorClient.frame(body) {
                client.sendRaw(Data([byte]))
                usleep(200)
            }
            #expect(code(try client.response(to: "slow")) == -32601)
            try client.shutDown()
        }

        @Test func randomBytesNeverEndTheServer() throws {
            for round in 0..<5 {
                var random = SplitMix64(state: UInt64(round))
                let client = try client()
                for _ in 0..<50 {
                    let noise = (0..<Int.random(in: 1...300, using: &random)).map { _ in
                        UInt8.random(in: 0...255, using: &random)
                    }
                    if Bool.random(using: &random) {
                        client.sendRaw(EditorClient.frame(Data(noise)))
                    } else {
                        client.sendRaw(Data(noise) + Data("\r\n\r\n".utf8))
                    }
                }
                #expect(try isAlive(client), "round \(round)")
                #expect(try client.shutDown() == 0)
            }
        }

        @Test func shuffledMessagesNeverEndTheServer() throws {
            let path = FileManager.default.temporaryDirectory.path + "/shuffled.py"
            let document: JSONValue = ["uri": .string(EditorClient.uri(path)), "version": 1]
            let place: JSONValue = ["line": 3, "character": 70]
            var messages: [(String, JSONValue)] = []
            for number in 0..<40 {
                messages.append(
                    (
                        "textDocument/didOpen",
                        [
                            "textDocument": [
                                "uri": document["uri"]!, "languageId": "python", "version": .integer(number),
                                "text": "print(1)\n",
                            ]
                        ]
                    ))
                messages.append(("textDocument/didClose", ["textDocument": document]))
                messages.append(("textDocument/didSave", ["textDocument": document]))
                messages.append(
                    (
                        "textDocument/didChange",
                        [
                            "textDocument": document,
                            "contentChanges": [
                                [
                                    "range": ["start": place, "end": ["line": 0, "character": -4]],
                                    "text": "é\r\n",
                                ],
                                ["text": "whole\r"],
                            ],
                        ]
                    ))
                messages.append(
                    ("workspace/didChangeConfiguration", ["settings": ["hindsight": ["replay": 7]]]))
                messages.append(("window/workDoneProgress/cancel", ["token": "none"]))
                messages.append(("workspace/didChangeWatchedFiles", ["changes": []]))
            }
            let client = try client()
            var random = SplitMix64(state: 1)
            for (method, parameters) in messages.shuffled(using: &random) {
                client.notify(method, parameters)
            }
            #expect(try isAlive(client))
            #expect(try client.shutDown() == 0)
        }

        @Test func aClientThatDoesNotReadDoesNotStopTheServerFromReading() throws {
            let process = Process()
            let (input, output) = (Pipe(), Pipe())
            process.executableURL = Checkout.hindsight
            process.arguments = ["lsp", "--log-level", "critical"]
            process.standardInput = input
            process.standardOutput = output
            process.standardError = FileHandle.nullDevice
            try process.run()
            // Far more answers than a pipe holds, while nobody reads; the writes would block if the server did.
            let request = EditorClient.frame(Data(#"{"jsonrpc":"2.0","id":1,"method":"x"}"#.utf8))
            let many = Data(Array(repeating: request, count: 20_000).joined())
            try input.fileHandleForWriting.write(contentsOf: many)
            try input.fileHandleForWriting.close()
            let answers = output.fileHandleForReading.readDataToEndOfFile()
            while process.isRunning { usleep(5000) }
            #expect(process.terminationStatus == 1)
            #expect(answers.count > many.count)
        }
    }
}

/// The same numbers in each run, so that what fails once fails again.
private struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
