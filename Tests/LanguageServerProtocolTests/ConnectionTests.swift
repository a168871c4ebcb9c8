import Foundation
import LanguageServerProtocol
import Testing

/// A server of the protocol that knows nothing but to echo.
private actor Echo {
    enum EchoRequest: RequestMessage {
        static let method = "test/echo"
        struct Parameters: Codable, Sendable { var text: String }
        typealias Result = String
    }

    enum SlowRequest: RequestMessage {
        static let method = "test/keep"
        typealias Parameters = Nothing
        typealias Result = String
    }

    let thread: HandlerThread
    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }
    var kept: [Reply<String>] = []

    init(thread: HandlerThread) { self.thread = thread }

    func keep(_ reply: Reply<String>) { kept.append(reply) }

    static var router: Router<Echo> {
        var router = Router<Echo>()
        router.request(InitializeRequest.self) { _, _, reply in throw ResponseError(.requestFailed, "unused")
        }
        router.request(ShutdownRequest.self) { _, _, reply in reply(Nothing()) }
        router.request(EchoRequest.self) { _, parameters, reply in
            usleep(parameters.text == "slow" ? 50_000 : 0)
            reply(parameters.text)
            reply("twice")
        }
        router.request(SlowRequest.self) { server, _, reply in server.keep(reply) }
        return router
    }
}

private struct Session {
    let input = Pipe()
    let output = Pipe()
    let ended: AsyncStream<Connection.End>

    init() {
        let thread = HandlerThread(name: "test handler")
        let connection = Connection(
            input: input.fileHandleForReading.fileDescriptor,
            output: output.fileHandleForWriting.fileDescriptor,
            thread: thread, report: { _ in })
        var router = Echo.router
        router.request(InitializeRequest.self) { _, _, reply in
            reply.raw(Array(#"{"capabilities":{}}"#.utf8))
        }
        let (stream, continuation) = AsyncStream<Connection.End>.makeStream()
        ended = stream
        let output = output
        connection.start(server: Echo(thread: thread), router: router) { end in
            connection.close()
            try? output.fileHandleForWriting.close()
            continuation.yield(end)
            continuation.finish()
        }
    }

    /// Sends messages, closes, and returns everything that came back.
    func exchange(_ bodies: [String]) -> [JSONValue] {
        for body in bodies {
            input.fileHandleForWriting.write(Data("Content-Length: \(body.utf8.count)\r\n\r\n\(body)".utf8))
        }
        try? input.fileHandleForWriting.close()
        var parser = MessageParser()
        var answers: [JSONValue] = []
        output.fileHandleForReading.readDataToEndOfFile().withUnsafeBytes { parser.append($0) }
        while case .message(let body) = parser.next() {
            answers.append(try! JSONDecoder().decode(JSONValue.self, from: Data(body)))
        }
        return answers
    }
}

@Suite struct ConnectionTests {
    private let initialize = #"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"capabilities":{}}}"#

    private func code(_ answer: JSONValue?) -> Int? { answer?["error"]?["code"]?.integerValue }

    @Test func everyRequestIsAnsweredOnceAndInOrder() {
        let requests = (1...200).map {
            #"{"jsonrpc":"2.0","id":\#($0),"method":"test/echo","params":{"text":"\#($0)"}}"#
        }
        let answers = Session().exchange([initialize] + requests)
        #expect(answers.map { $0["id"]?.integerValue } == Array(0...200))
        #expect(answers.dropFirst().map { $0["result"]?.stringValue } == (1...200).map { "\($0)" })
    }

    @Test func errorsHaveTheProtocolsNumbers() {
        let answers = Session().exchange([
            #"{"jsonrpc":"2.0","id":"a","method":"test/echo","params":{"text":"early"}}"#,
            initialize,
            "{nonsense",
            "[1,2]",
            #"{"jsonrpc":"2.0","id":1}"#,
            #"{"jsonrpc":"1.0","id":2,"method":"test/echo"}"#,
            #"{"jsonrpc":"2.0","id":1.5,"method":"test/echo"}"#,
            #"{"jsonrpc":"2.0","id":3,"method":7}"#,
            #"{"jsonrpc":"2.0","id":4,"method":"no/such"}"#,
            #"{"jsonrpc":"2.0","id":5,"method":"test/echo","params":{"text":7}}"#,
            #"{"jsonrpc":"2.0","id":6,"method":"test/echo"}"#,
            #"{"jsonrpc":"2.0","id":7,"method":"initialize","params":{"capabilities":{}}}"#,
            #"{"jsonrpc":"2.0","id":8,"method":"shutdown"}"#,
            #"{"jsonrpc":"2.0","id":9,"method":"test/echo","params":{"text":"late"}}"#,
        ])
        let byID = Dictionary(
            answers.filter { $0["id"] != .null }.map { ($0["id"]!, $0) },
            uniquingKeysWith: { first, _ in first })
        #expect(code(byID["a"]) == -32002)
        #expect(answers.filter { $0["id"] == .null }.compactMap(code).sorted() == [-32700, -32600, -32600])
        #expect([1, 2, 3].map { code(byID[.integer($0)]) } == [-32600, -32600, -32600])
        #expect(code(byID[4]) == -32601)
        #expect(code(byID[5]) == -32602)
        #expect(code(byID[6]) == -32602)
        #expect(code(byID[7]) == -32600)
        #expect(byID[8]?["result"] == .null)
        #expect(code(byID[9]) == -32600)
    }

    @Test func aCancellationOvertakes() {
        let answers = Session().exchange([
            initialize,
            #"{"jsonrpc":"2.0","id":1,"method":"test/echo","params":{"text":"slow"}}"#,
            #"{"jsonrpc":"2.0","id":2,"method":"test/echo","params":{"text":"never"}}"#,
            #"{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":2}}"#,
            #"{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":77}}"#,
        ])
        #expect(answers.count == 3)
        #expect(code(answers.last) == -32800)
    }

    @Test func theEndTellsWhetherItWasAskedFor() async {
        let silent = Session()
        _ = silent.exchange([initialize])
        for await end in silent.ended { #expect(end == .endOfInput(afterShutdown: false)) }

        let polite = Session()
        _ = polite.exchange([
            initialize, #"{"jsonrpc":"2.0","id":1,"method":"shutdown"}"#,
            #"{"jsonrpc":"2.0","method":"exit"}"#,
        ])
        for await end in polite.ended {
            #expect(end == .exit(afterShutdown: true))
            #expect(end.exitCode == 0)
        }

        let rude = Session()
        _ = rude.exchange([#"{"jsonrpc":"2.0","method":"exit"}"#])
        for await end in rude.ended { #expect(end.exitCode == 1) }
    }
}
