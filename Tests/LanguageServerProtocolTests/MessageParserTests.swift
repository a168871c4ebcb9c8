import Testing

@testable import LanguageServerProtocol

@Suite struct MessageParserTests {
    private func items(_ text: String, chunk: Int = .max, limit: Int = 1000) -> [MessageParser.Item] {
        var parser = MessageParser(sizeLimit: limit)
        var items: [MessageParser.Item] = []
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let piece = Array(rest.prefix(chunk))
            rest = rest.dropFirst(chunk)
            piece.withUnsafeBytes { parser.append($0) }
            while let item = parser.next() { items.append(item) }
        }
        return items
    }

    private func message(_ text: String) -> String { "Content-Length: \(text.utf8.count)\r\n\r\n\(text)" }

    @Test(arguments: [1, 2, 3, 7, 64, Int.max])
    func messagesAreCutHoweverTheyArrive(chunk: Int) {
        let bodies = ["{}", "", "[\"é𝔘\"]", String(repeating: "x", count: 500)]
        let stream = bodies.map(message).joined()
        #expect(items(stream, chunk: chunk) == bodies.map { .message(Array($0.utf8)) })
    }

    @Test func headersAreReadAsClientsWriteThem() {
        let stream =
            "content-length:2\r\nContent-Type: application/vscode-jsonrpc; charset=utf-8\r\n\r\n{}"
            + "Content-Length: 2\n\n[]"
        #expect(items(stream) == [.message(Array("{}".utf8)), .message(Array("[]".utf8))])
    }

    @Test(arguments: [1, 5, Int.max])
    func afterGarbageTheNextMessageIsFound(chunk: Int) {
        for garbage in [
            "hello\r\n\r\n", "Content-Length: abc\r\n\r\n", "Content-Length: -5\r\n\r\n",
            "X-Other: 1\r\n\r\n",
            "garbage without any end ", "Content-Length: 99999999999999999999\r\n\r\n", "\u{0}\u{1}\r\n\r\n",
        ] {
            let found = items(garbage + message("{}"), chunk: chunk)
            #expect(found.last == .message(Array("{}".utf8)), "\(garbage.debugDescription)")
            #expect(found.count == 2)
        }
    }

    @Test(arguments: [1, 100, Int.max])
    func anOversizeMessageIsSkipped(chunk: Int) {
        let found = items(message(String(repeating: "x", count: 5000)) + message("{}"), chunk: chunk)
        #expect(found.count == 2)
        #expect(found.last == .message(Array("{}".utf8)))
    }

    @Test func anEndlessHeaderDoesNotFillTheMemory() {
        let found = items(String(repeating: "a", count: 100_000) + message("{}"), chunk: 1000)
        #expect(found.last == .message(Array("{}".utf8)))
    }

    @Test func randomBytesNeverStopTheParser() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<50 {
            var parser = MessageParser(sizeLimit: 1000)
            let alphabet = Array("Content-Length: 0123\r\n\r\n{}\u{FF}".utf8)
            for _ in 0..<40 {
                let noise = (0..<Int.random(in: 0...200)).map { _ in alphabet.randomElement(using: &random)! }
                noise.withUnsafeBytes { parser.append($0) }
                while parser.next() != nil {}
            }
        }
    }
}
