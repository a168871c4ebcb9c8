import Foundation
import LanguageServerProtocol
import Logging

@testable import EditorServer

/// A server in this process and the client that talks to it, over pipes.
final class Session: @unchecked Sendable {
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    static let inlayHintClient: JSONValue = [
        "general": ["positionEncodings": ["utf-8"]],
        "textDocument": [
            "inlayHint": [:], "codeLens": [:], "hover": ["contentFormat": ["markdown"]],
            "codeAction": ["codeActionLiteralSupport": [:]],
        ],
        "window": ["workDoneProgress": true],
        "workspace": ["inlayHint": ["refreshSupport": true]],
    ]

    let services: FakeServices
    let root: String
    private let input = Pipe()
    private let output = Pipe()
    private let condition = NSCondition()
    private var messages: [JSONValue] = []
    private var count = 0
    private var version = 0
    private(set) var text = ""
    let path: String

    /// Starts a server whose only project is a temporary folder, and initializes it.
    ///
    /// Nothing here blocks: the server's own work needs the threads on which tests run.
    init(
        services: FakeServices = FakeServices(), capabilities: JSONValue = Session.inlayHintClient,
        options: JSONValue = .null
    ) async throws {
        self.services = services
        root = services.root
        path = root + "/train.py"
        signal(SIGPIPE, SIG_IGN)
        let (input, output) = (input, output)
        Task.detached {
            var logger = Logger(label: "test") { StreamLogHandler.standardError(label: $0) }
            logger.logLevel = .critical
            _ = await EditorServer.serve(
                input: input.fileHandleForReading.fileDescriptor,
                output: output.fileHandleForWriting.fileDescriptor, services: services, logger: logger,
                analysisDelay: .milliseconds(20))
            try? output.fileHandleForWriting.close()
        }
        Thread { [self] in readMessages() }.start()
        _ = try await request(
            "initialize", ["capabilities": capabilities, "initializationOptions": options])
        notify("initialized", [:])
    }

    func end() { try? input.fileHandleForWriting.close() }

    func notify(_ method: String, _ parameters: JSONValue) {
        send(["jsonrpc": "2.0", "method": .string(method), "params": parameters])
    }

    @discardableResult
    func request(_ method: String, _ parameters: JSONValue) async throws -> JSONValue {
        let id: JSONValue = condition.withLock {
            count += 1
            return .integer(count)
        }
        send(["jsonrpc": "2.0", "id": id, "method": .string(method), "params": parameters])
        let answer = try await wait(method) { $0.first { $0["id"] == id && $0["method"] == nil } }
        if let error = answer["error"] { throw Failure(description: error["message"]?.stringValue ?? "?") }
        return answer["result"] ?? .null
    }

    var received: [JSONValue] { condition.withLock { messages } }

    func received(_ method: String) -> [JSONValue] { received.filter { $0["method"]?.stringValue == method } }

    func wait<Value>(_ what: String, _ find: ([JSONValue]) -> Value?) async throws -> Value {
        try await eventually(what) { find(received) }
    }

    // MARK: - The document

    var uri: JSONValue { .string(DocumentURI(path: path).description) }

    func open(_ text: String) {
        version += 1
        self.text = text
        notify(
            "textDocument/didOpen",
            [
                "textDocument": [
                    "uri": uri, "languageId": "python", "version": .integer(version), "text": .string(text),
                ]
            ])
    }

    /// Replaces the first occurrence of a text, as one incremental change.
    func replace(_ old: String, with new: String) {
        let range = text.range(of: old)!
        let before = text[..<range.lowerBound]
        func position(_ text: Substring) -> JSONValue {
            let line = text.filter { $0 == "\n" }.count
            let last = text.split(separator: "\n", omittingEmptySubsequences: false).last ?? ""
            return ["line": .integer(line), "character": .integer(last.utf8.count)]
        }
        let start = position(before)
        let end = position(text[..<range.upperBound])
        text.replaceSubrange(range, with: new)
        version += 1
        notify(
            "textDocument/didChange",
            [
                "textDocument": ["uri": uri, "version": .integer(version)],
                "contentChanges": [["range": ["start": start, "end": end], "text": .string(new)]],
            ])
    }

    func values() async throws -> JSONValue {
        try await request("hindsight/values", ["textDocument": ["uri": uri]])
    }

    func texts() async throws -> [String] {
        (try await values()["hits"]?.arrayValue ?? []).compactMap { $0["text"]?.stringValue }
    }

    /// The values once they are complete.
    func completeValues() async throws -> JSONValue {
        try await eventually("complete values") {
            let values = try await self.values()
            return values["complete"] == true ? values : nil
        }
    }

    func hints() async throws -> [String] {
        try await request(
            "textDocument/inlayHint",
            [
                "textDocument": ["uri": uri],
                "range": ["start": ["line": 0, "character": 0], "end": ["line": 999, "character": 0]],
            ]
        ).arrayValue?.compactMap { $0["label"]?.stringValue } ?? []
    }

    func hover(line: Int, character: Int = 5) async throws -> String? {
        try await request(
            "textDocument/hover",
            [
                "textDocument": ["uri": uri],
                "position": ["line": .integer(line), "character": .integer(character)],
            ])["contents"]?["value"]?.stringValue
    }

    /// The actions at a place: their titles and what they run.
    func actions(line: Int, character: Int = 5) async throws -> [String: JSONValue] {
        let place: JSONValue = ["line": .integer(line), "character": .integer(character)]
        let answer = try await request(
            "textDocument/codeAction",
            [
                "textDocument": ["uri": uri], "range": ["start": place, "end": place],
                "context": ["diagnostics": []],
            ])
        return (answer.arrayValue ?? []).reduce(into: [:]) { actions, action in
            actions[action["title"]?.stringValue ?? ""] = action["command"]
        }
    }

    /// Runs what an action runs.
    func run(_ action: JSONValue?) async throws {
        try await request(
            "workspace/executeCommand",
            ["command": action?["command"] ?? .null, "arguments": action?["arguments"] ?? .null])
    }

    var diagnostics: [JSONValue] {
        received("textDocument/publishDiagnostics").last?["params"]?["diagnostics"]?.arrayValue ?? []
    }

    var diagnosticMessages: [String] { diagnostics.compactMap { $0["message"]?.stringValue } }

    func eventually<Value>(_ what: String, _ find: () async throws -> Value?) async throws -> Value {
        let limit = Date(timeIntervalSinceNow: 300)
        while Date() < limit {
            if let value = try await find() { return value }
            try await Task.sleep(for: .milliseconds(3))
        }
        throw Failure(description: "Never saw \(what).")
    }

    // MARK: -

    private func send(_ message: JSONValue) {
        let body = try! JSONEncoder().encode(message)
        try? input.fileHandleForWriting.write(
            contentsOf: Data("Content-Length: \(body.count)\r\n\r\n".utf8) + body)
    }

    private func readMessages() {
        var parser = MessageParser()
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(output.fileHandleForReading.fileDescriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            chunk.withUnsafeBytes { parser.append(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
            while case .message(let body) = parser.next() {
                let message = try! JSONDecoder().decode(JSONValue.self, from: Data(body))
                condition.withLock {
                    messages.append(message)
                    condition.broadcast()
                }
                if message["method"] != nil, let id = message["id"] {
                    send(["jsonrpc": "2.0", "id": id, "result": .null])
                }
            }
        }
    }
}
