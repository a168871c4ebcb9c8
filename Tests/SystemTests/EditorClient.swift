import Foundation
import Gallery
import LanguageServerProtocol

/// A language client for tests: starts `hindsight lsp` and speaks JSON-RPC to it, as an editor does.
///
/// Everything waits for what the server sends. The limit says nothing about how fast it should be: it only ends
/// a wait that would never end, with the end of what the server wrote to stderr.
final class EditorClient: @unchecked Sendable {
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    /// How long anything may take before it counts as hanging.
    static let patience = 300.0

    private let process = Process()
    private let input: FileHandle
    private let condition = NSCondition()
    private let sending = NSLock()
    private var messages: [JSONValue] = []
    private var responses: [JSONValue: JSONValue] = [:]
    private var errorText = Data()
    private var isAtEnd = false
    private var requestCount = 0
    private var versions: [String: Int] = [:]
    private var texts: [String: String] = [:]
    /// What positions count, as the server chose.
    private(set) var encoding = PositionEncoding.utf16
    /// What `workspace/configuration` is answered with.
    var configuration: JSONValue = .null
    /// Whether the server's requests are answered.
    var answersRequests = true

    init(
        directory: String, arguments: [String] = ["lsp", "--stdio"],
        environment: [String: String] = Command.environment,
        executable: URL = Checkout.hindsight
    ) throws {
        let (input, output, errors) = try (ClosedPipe(), ClosedPipe(), ClosedPipe())
        self.input = input.writing
        process.executableURL = executable
        process.arguments = arguments
        process.currentDirectoryURL = URL(fileURLWithPath: directory)
        process.environment = environment
        // Writing to a server that has ended must be an error here, not the end of the tests.
        signal(SIGPIPE, SIG_IGN)
        process.standardInput = input.reading
        process.standardOutput = output.writing
        process.standardError = errors.writing
        try process.run()
        for end in [input.reading, output.writing, errors.writing] { try end.close() }
        Thread { [self] in readMessages(output.reading) }.start()
        Thread { [self] in readErrors(errors.reading) }.start()
    }

    deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }

    var processIdentifier: Int32 { process.processIdentifier }

    // MARK: - The session

    /// Everything an editor with all bells announces.
    static let fullCapabilities: JSONValue = [
        "general": ["positionEncodings": ["utf-8", "utf-16"]],
        "textDocument": [
            "inlayHint": ["dynamicRegistration": false], "codeLens": [:],
            "hover": ["contentFormat": ["markdown", "plaintext"]],
            "codeAction": ["codeActionLiteralSupport": ["codeActionKind": ["valueSet": []]]],
        ],
        "window": ["workDoneProgress": true, "showDocument": ["support": true]],
        "workspace": [
            "inlayHint": ["refreshSupport": true], "codeLens": ["refreshSupport": true],
            "configuration": true,
            "didChangeWatchedFiles": ["dynamicRegistration": true, "relativePatternSupport": true],
        ],
    ]

    /// `initialize` and `initialized`; returns the result of the first.
    @discardableResult
    func initialize(
        root: String? = nil, capabilities: JSONValue = EditorClient.fullCapabilities,
        options: JSONValue = .null
    ) throws -> JSONValue {
        let uri = root.map { JSONValue.string(Self.uri($0)) } ?? .null
        let result = try request(
            "initialize",
            [
                "processId": .integer(Int(getpid())), "rootUri": uri, "capabilities": capabilities,
                "initializationOptions": options,
            ])
        encoding =
            result["capabilities"]?["positionEncoding"]?.stringValue.flatMap(PositionEncoding.init) ?? .utf16
        notify("initialized", [:])
        return result
    }

    /// `shutdown` and `exit`; returns the exit code.
    @discardableResult
    func shutDown() throws -> Int32 {
        _ = try request("shutdown", .null)
        notify("exit", .null)
        return try waitForExit()
    }

    func closeInput() { try? input.close() }

    func waitForExit() throws -> Int32 {
        let limit = Date(timeIntervalSinceNow: Self.patience)
        while process.isRunning {
            if Date() > limit { throw failure("The server did not end.") }
            usleep(5000)
        }
        return process.terminationStatus
    }

    // MARK: - Messages

    func send(_ message: JSONValue) { sendRaw(Self.frame(try! JSONEncoder().encode(message))) }

    func sendRaw(_ bytes: Data) {
        // Answers to the server's requests come from another thread.
        sending.withLock { try? input.write(contentsOf: bytes) }
    }

    static func frame(_ body: Data) -> Data { Data("Content-Length: \(body.count)\r\n\r\n".utf8) + body }

    func notify(_ method: String, _ parameters: JSONValue) {
        send(["jsonrpc": "2.0", "method": .string(method), "params": parameters])
    }

    /// Sends a request and returns its id.
    func sendRequest(_ method: String, _ parameters: JSONValue) -> JSONValue {
        let id: JSONValue = condition.withLock {
            requestCount += 1
            return .integer(requestCount)
        }
        send(["jsonrpc": "2.0", "id": id, "method": .string(method), "params": parameters])
        return id
    }

    /// The whole response to a request.
    func response(to id: JSONValue) throws -> JSONValue {
        try wait(for: "a response to request \(id)") { $0.responses[id] }
    }

    /// Sends a request and returns its result; an error response is thrown.
    @discardableResult
    func request(_ method: String, _ parameters: JSONValue) throws -> JSONValue {
        let answer = try response(to: sendRequest(method, parameters))
        if let error = answer["error"] { throw failure("\(method) failed: \(Self.text(error))") }
        return answer["result"] ?? .null
    }

    /// Everything the server sent so far, in order.
    var received: [JSONValue] { condition.withLock { messages } }

    /// Messages of a method, oldest first.
    func received(_ method: String) -> [JSONValue] { received.filter { $0["method"]?.stringValue == method } }

    /// The first message of a method, already received or still to come, that fits.
    @discardableResult
    func waitFor(
        _ method: String, where fits: @escaping (JSONValue) -> Bool = { _ in true }
    ) throws -> JSONValue {
        try wait(for: method) { client in
            client.messages.first { $0["method"]?.stringValue == method && fits($0["params"] ?? .null) }
        }
    }

    // MARK: - Documents

    static func uri(_ path: String) -> String { DocumentURI(path: path).description }

    func identifier(_ path: String) -> JSONValue { ["uri": .string(Self.uri(path))] }

    /// Opens a file; with `text`, other than on disk.
    func open(_ path: String, text: String? = nil, language: String = "python") throws {
        let text = try text ?? String(contentsOfFile: path, encoding: .utf8)
        versions[path] = 1
        texts[path] = text
        notify(
            "textDocument/didOpen",
            [
                "textDocument": [
                    "uri": .string(Self.uri(path)), "languageId": .string(language), "version": 1,
                    "text": .string(text),
                ]
            ])
    }

    /// The text as it was opened and changed.
    func text(_ path: String) -> String { texts[path] ?? "" }

    func version(_ path: String) -> Int { versions[path] ?? 0 }

    /// Changes the whole text by the smallest single edit, as an editor would.
    func change(_ path: String, to text: String) {
        let old = Array(self.text(path).unicodeScalars)
        let new = Array(text.unicodeScalars)
        var prefix = 0
        while prefix < old.count, prefix < new.count, old[prefix] == new[prefix] { prefix += 1 }
        var suffix = 0
        while suffix < old.count - prefix, suffix < new.count - prefix,
            old[old.count - 1 - suffix] == new[new.count - 1 - suffix]
        { suffix += 1 }
        // A position within "\r\n" does not exist.
        while prefix > 0, old[prefix - 1] == "\r" { prefix -= 1 }
        var inserted = String.UnicodeScalarView()
        inserted.append(contentsOf: new[prefix..<(new.count - suffix)])
        sendChange(
            path,
            range: [
                "start": position(old[..<prefix]), "end": position(old[..<(old.count - suffix)]),
            ], text: String(inserted))
        texts[path] = text
    }

    /// Inserts lines before a line (from 0).
    func insert(_ lines: String, atLine line: Int, in path: String) {
        var all = text(path).components(separatedBy: "\n")
        all.insert(lines, at: line)
        change(path, to: all.joined(separator: "\n"))
    }

    /// Sends one change as it is; `text(_:)` does not follow.
    func sendChange(_ path: String, range: JSONValue?, text: String) {
        versions[path, default: 0] += 1
        var change: [String: JSONValue] = ["text": .string(text)]
        if let range { change["range"] = range }
        notify(
            "textDocument/didChange",
            [
                "textDocument": ["uri": .string(Self.uri(path)), "version": .integer(version(path))],
                "contentChanges": [.object(change)],
            ])
    }

    func save(_ path: String) { notify("textDocument/didSave", ["textDocument": identifier(path)]) }

    func close(_ path: String) { notify("textDocument/didClose", ["textDocument": identifier(path)]) }

    // MARK: - Features

    /// One answer to `hindsight/values`.
    func values(_ path: String, range: JSONValue? = nil) throws -> JSONValue {
        var parameters: [String: JSONValue] = ["textDocument": identifier(path)]
        if let range { parameters["range"] = range }
        return try request("hindsight/values", .object(parameters))
    }

    /// Asks until the values of the present text are complete and returns them; where `settled`, until no
    /// verdict is provisional either.
    func completeValues(_ path: String, settled: Bool = true) throws -> JSONValue {
        let limit = Date(timeIntervalSinceNow: Self.patience)
        while true {
            let seen = received.count
            let values = try values(path)
            let isSettled = !(values["hits"]?.arrayValue ?? []).contains {
                $0["verdict"]?.stringValue == "provisional"
            }
            if values["version"]?.integerValue == version(path), values["complete"] == true,
                isSettled || !settled
            {
                return values
            }
            if let problem = values["problem"]?.stringValue { throw failure("No values: \(problem)") }
            if Date() > limit { throw failure("The values did not become complete: \(Self.text(values))") }
            waitForNews(beyond: seen + 1)
        }
    }

    /// The diagnostics that were published last.
    func diagnostics(_ path: String) -> [JSONValue] {
        let uri = Self.uri(path)
        return received("textDocument/publishDiagnostics").last { $0["params"]?["uri"]?.stringValue == uri }?[
            "params"]?[
                "diagnostics"]?.arrayValue ?? []
    }

    /// Waits until the published diagnostics fit.
    @discardableResult
    func waitForDiagnostics(
        _ path: String, where fits: @escaping ([JSONValue]) -> Bool
    ) throws -> [JSONValue] {
        let limit = Date(timeIntervalSinceNow: Self.patience)
        while true {
            let seen = received.count
            let diagnostics = diagnostics(path)
            if fits(diagnostics) { return diagnostics }
            if Date() > limit {
                throw failure("Other diagnostics were published: \(Self.text(.array(diagnostics)))")
            }
            waitForNews(beyond: seen)
        }
    }

    /// Waits for another message from the server; not for ever, since it need not tell that something is known.
    private func waitForNews(beyond count: Int) {
        let limit = Date(timeIntervalSinceNow: 0.25)
        condition.withLock {
            while messages.count <= count, !isAtEnd, condition.wait(until: limit) {}
        }
    }

    func hints(_ path: String) throws -> [JSONValue] {
        try request(
            "textDocument/inlayHint",
            [
                "textDocument": identifier(path),
                "range": [
                    "start": ["line": 0, "character": 0], "end": ["line": 1_000_000, "character": 0],
                ],
            ]
        ).arrayValue ?? []
    }

    /// The hover's text; nil where there is none.
    func hover(_ path: String, line: Int, character: Int) throws -> String? {
        try request(
            "textDocument/hover",
            [
                "textDocument": identifier(path),
                "position": ["line": .integer(line), "character": .integer(character)],
            ])["contents"]?["value"]?.stringValue
    }

    // MARK: - Threads

    private func readMessages(_ end: FileHandle) {
        let descriptor = end.fileDescriptor
        var parser = MessageParser()
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            chunk.withUnsafeBytes { parser.append(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
            while let item = parser.next() {
                if case .message(let body) = item,
                    let message = try? JSONDecoder().decode(JSONValue.self, from: Data(body))
                {
                    receive(message)
                } else {
                    receive(["method": "test/garbage"])
                }
            }
        }
        condition.withLock {
            isAtEnd = true
            condition.broadcast()
        }
    }

    private func receive(_ message: JSONValue) {
        condition.withLock {
            messages.append(message)
            if message["method"] == nil, let id = message["id"] { responses[id] = message }
            condition.broadcast()
        }
        if answersRequests, let id = message["id"], let method = message["method"]?.stringValue {
            let count = message["params"]?["items"]?.arrayValue?.count ?? 0
            let result: JSONValue =
                method == "workspace/configuration"
                ? .array(Array(repeating: configuration, count: count)) : .null
            send(["jsonrpc": "2.0", "id": id, "result": result])
        }
    }

    private func readErrors(_ end: FileHandle) {
        let descriptor = end.fileDescriptor
        var chunk = [UInt8](repeating: 0, count: 1 << 12)
        while true {
            let count = read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            condition.withLock { errorText.append(contentsOf: chunk[..<count]) }
        }
    }

    /// Everything that the server has written to its standard error.
    var log: String { condition.withLock { String(decoding: errorText, as: UTF8.self) } }

    private func wait<Value>(for what: String, _ find: (EditorClient) -> Value?) throws -> Value {
        let limit = Date(timeIntervalSinceNow: Self.patience)
        condition.lock()
        defer { condition.unlock() }
        while true {
            if let value = find(self) { return value }
            if isAtEnd { throw failure("The server ended before \(what) came.", isLocked: true) }
            guard condition.wait(until: limit) else {
                throw failure("\(what) did not come within \(Self.patience) s.", isLocked: true)
            }
        }
    }

    private func failure(_ sentence: String, isLocked: Bool = false) -> Failure {
        if !isLocked { condition.lock() }
        defer { if !isLocked { condition.unlock() } }
        let errors = String(decoding: errorText.suffix(4000), as: UTF8.self)
        return Failure(description: errors.isEmpty ? sentence : "\(sentence)\nThe server wrote:\n\(errors)")
    }

    private func position(_ text: ArraySlice<Unicode.Scalar>) -> JSONValue {
        let start = text.lastIndex { $0 == "\n" }.map { $0 + 1 } ?? text.startIndex
        // Lone carriage returns are not used in tests that change texts through here.
        let line = text.count { $0 == "\n" }
        let character = text[start...].reduce(0) {
            switch encoding {
            case .utf8: $0 + UTF8.width($1)
            case .utf16: $0 + UTF16.width($1)
            case .utf32: $0 + 1
            }
        }
        return ["line": .integer(line), "character": .integer(character)]
    }

    static func text(_ value: JSONValue) -> String {
        (try? JSONEncoder().encode(value)).map { String(decoding: $0, as: UTF8.self) } ?? "?"
    }
}

/// A pipe that other children of the tests do not inherit: with a copy of its writing end in another process,
/// its end would not be seen before that process ends.
private struct ClosedPipe {
    let reading: FileHandle
    let writing: FileHandle

    init() throws {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw CocoaError(.fileReadUnknown) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        reading = FileHandle(fileDescriptor: ends[0], closeOnDealloc: true)
        writing = FileHandle(fileDescriptor: ends[1], closeOnDealloc: true)
    }
}
