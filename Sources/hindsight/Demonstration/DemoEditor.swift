import Foundation
import LanguageServerProtocol

/// What an editor does, as far as the demo needs it: starts `hindsight lsp`, opens a file, types, and asks for
/// what is to be seen beside the lines.
final class DemoEditor {
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    /// The values beside the lines, and whether all have come.
    struct Picture {
        /// Beside each line (from 0), as an editor shows it.
        var hints: [Int: String]
        var replayed: Int
        /// How many of the replayed values have which verdict.
        var verdicts: [String: Int]
        var complete: Bool
    }

    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    private let inbox = Inbox()
    private let uri: String
    private var text: String
    private var version = 1
    private var requestCount = 0

    init(executable: URL, file: URL, environment: [String: String]) throws {
        uri = DocumentURI(path: file.path).description
        text = try String(contentsOf: file, encoding: .utf8)
        process.executableURL = executable
        process.arguments = ["lsp"]
        process.currentDirectoryURL = file.deletingLastPathComponent()
        process.environment = environment
        process.standardInput = input
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        // A server that dies must be an error here, not the end of the demo.
        signal(SIGPIPE, SIG_IGN)
        try process.run()
        inbox.read(output.fileHandleForReading.fileDescriptor)

        _ = try request(
            "initialize",
            [
                "processId": .integer(Int(getpid())),
                "rootUri": .string(DocumentURI(path: file.deletingLastPathComponent().path).description),
                "capabilities": [
                    "general": ["positionEncodings": ["utf-8"]],
                    "textDocument": ["inlayHint": [:]],
                ],
                // The program is the demo's own: it may run where the system has no full sandbox.
                "initializationOptions": ["allowWeakSandbox": true],
            ])
        try notify("initialized", [:])
        try notify(
            "textDocument/didOpen",
            [
                "textDocument": [
                    "uri": .string(uri), "languageId": "python", "version": .integer(version),
                    "text": .string(text),
                ]
            ])
    }

    deinit { if process.isRunning { process.terminate() } }

    /// Types into a line, at its end; the file on disk stays as it is.
    func type(_ letters: String, line: Int, column: Int) throws {
        version += 1
        let place: JSONValue = ["line": .integer(line), "character": .integer(column)]
        try notify(
            "textDocument/didChange",
            [
                "textDocument": ["uri": .string(uri), "version": .integer(version)],
                "contentChanges": [["range": ["start": place, "end": place], "text": .string(letters)]],
            ])
    }

    /// What can be seen at this moment, for lines up to `lineCount`.
    func look(lineCount: Int) throws -> Picture {
        let hints = try request(
            "textDocument/inlayHint",
            [
                "textDocument": ["uri": .string(uri)],
                "range": [
                    "start": ["line": 0, "character": 0],
                    "end": ["line": .integer(lineCount), "character": 0],
                ],
            ])
        var beside: [Int: String] = [:]
        for hint in hints.arrayValue ?? [] {
            guard let line = hint["position"]?["line"]?.integerValue, let label = hint["label"] else {
                continue
            }
            let text =
                label.stringValue ?? (label.arrayValue ?? []).compactMap { $0["value"]?.stringValue }.joined()
            beside[line] = [beside[line], text].compactMap { $0 }.joined(separator: " ")
        }
        let values = try request("hindsight/values", ["textDocument": ["uri": .string(uri)]])
        if let problem = values["problem"]?.stringValue { throw Failure(description: problem) }
        let replayed = (values["hits"]?.arrayValue ?? []).filter { $0["source"]?.stringValue == "replayed" }
        let isCurrent = values["version"]?.integerValue == version
        return Picture(
            hints: beside, replayed: isCurrent ? replayed.count : 0,
            verdicts: Dictionary(grouping: replayed) { $0["verdict"]?.stringValue ?? "unknown" }.mapValues(
                \.count),
            complete: isCurrent && values["complete"]?.boolValue == true)
    }

    /// Ends the server as the protocol says.
    func close() throws {
        _ = try request("shutdown", .null)
        try notify("exit", .null)
        process.waitUntilExit()
    }

    // MARK: - Messages

    private func request(_ method: String, _ parameters: JSONValue) throws -> JSONValue {
        requestCount += 1
        try send([
            "jsonrpc": "2.0", "id": .integer(requestCount), "method": .string(method), "params": parameters,
        ])
        guard let answer = inbox.answer(to: requestCount, within: 300) else {
            throw Failure(description: "the language server gave no answer to \(method)")
        }
        if let error = answer["error"] {
            let reason = error["message"]?.stringValue ?? "no reason given"
            throw Failure(description: "the language server refused \(method): \(reason)")
        }
        return answer["result"] ?? .null
    }

    private func notify(_ method: String, _ parameters: JSONValue) throws {
        try send(["jsonrpc": "2.0", "method": .string(method), "params": parameters])
    }

    private func send(_ message: JSONValue) throws {
        let body = try JSONEncoder().encode(message)
        try input.fileHandleForWriting.write(
            contentsOf: Data("Content-Length: \(body.count)\r\n\r\n".utf8) + body)
    }
}

/// Answers that a thread of its own reads, until somebody asks for them.
private final class Inbox: @unchecked Sendable {
    /// Guards what is below, which makes sharing it safe.
    private let condition = NSCondition()
    private var answers: [Int: JSONValue] = [:]
    private var isClosed = false

    func read(_ descriptor: Int32) {
        Thread { [self] in
            var parser = MessageParser()
            var chunk = [UInt8](repeating: 0, count: 1 << 16)
            while true {
                let count = Foundation.read(descriptor, &chunk, chunk.count)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { break }
                chunk.withUnsafeBytes { parser.append(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
                while let item = parser.next() {
                    guard case .message(let body) = item,
                        let message = try? JSONDecoder().decode(JSONValue.self, from: Data(body)),
                        message["method"] == nil, let id = message["id"]?.integerValue
                    else { continue }
                    condition.withLock {
                        answers[id] = message
                        condition.broadcast()
                    }
                }
            }
            condition.withLock {
                isClosed = true
                condition.broadcast()
            }
        }.start()
    }

    /// Nil where the server ended or took too long.
    func answer(to id: Int, within seconds: Double) -> JSONValue? {
        let limit = Date() + seconds
        return condition.withLock {
            while true {
                if let answer = answers.removeValue(forKey: id) { return answer }
                if isClosed || !condition.wait(until: limit) { return nil }
            }
        }
    }
}
