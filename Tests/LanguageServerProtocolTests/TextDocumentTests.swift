import LanguageServerProtocol
import Testing

/// A second, slow implementation to compare with: the text as an array of characters (Unicode scalars).
private struct NaiveDocument {
    var scalars: [Unicode.Scalar]

    var lineStarts: [Int] {
        var starts = [0]
        for (index, scalar) in scalars.enumerated() {
            let isBreak =
                scalar == "\n"
                || (scalar == "\r" && !(index + 1 < scalars.count && scalars[index + 1] == "\n"))
            if isBreak { starts.append(index + 1) }
        }
        return starts
    }

    func index(of position: TextPosition, _ encoding: PositionEncoding) -> Int {
        let starts = lineStarts
        if position.line < 0 { return 0 }
        if position.line >= starts.count { return scalars.count }
        var index = starts[position.line]
        var units = 0
        while index < scalars.count, scalars[index] != "\n", scalars[index] != "\r" {
            units += Self.width(scalars[index], encoding)
            if units > position.character { break }
            index += 1
        }
        return index
    }

    mutating func replace(_ range: TextRange, with text: String, _ encoding: PositionEncoding) {
        let start = index(of: range.start, encoding)
        let end = index(of: range.end, encoding)
        scalars.replaceSubrange(min(start, end)..<max(start, end), with: text.unicodeScalars)
    }

    var text: String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        return String(view)
    }

    static func width(_ scalar: Unicode.Scalar, _ encoding: PositionEncoding) -> Int {
        switch encoding {
        case .utf8: UTF8.width(scalar)
        case .utf16: UTF16.width(scalar)
        case .utf32: 1
        }
    }
}

@Suite struct TextDocumentTests {
    @Test(arguments: [PositionEncoding.utf8, .utf16, .utf32])
    func randomEditsAgreeWithANaiveDocument(encoding: PositionEncoding) {
        var random = SystemRandomNumberGenerator()
        let pieces = [
            "a", "é", "\n", "\r", "\r\n", "𝔘", "\u{FEFF}", "print(x)", "中", "e\u{301}", "", "\n\n", "👩‍💻",
        ]
        for _ in 0..<40 {
            let start = (0..<Int.random(in: 0...12, using: &random)).map { _ in pieces.randomElement()! }
                .joined()
            var document = TextDocument(start)
            var naive = NaiveDocument(scalars: Array(start.unicodeScalars))
            for _ in 0..<60 {
                let range = TextRange(start: randomPosition(&random), end: randomPosition(&random))
                let text = (0..<Int.random(in: 0...4, using: &random)).map { _ in pieces.randomElement()! }
                    .joined()
                document.replace(range, with: text, encoding: encoding)
                naive.replace(range, with: text, encoding)
                #expect(Array(document.text.utf8) == Array(naive.text.utf8))
                #expect(document.lines == LineTable(document.bytes))
                #expect(document.lineCount == naive.lineStarts.count)
            }
        }
    }

    private func randomPosition(_ random: inout SystemRandomNumberGenerator) -> TextPosition {
        TextPosition(
            line: Int.random(in: 0...10, using: &random), character: Int.random(in: 0...12, using: &random))
    }

    @Test func positionsOutsideAreClamped() {
        let document = TextDocument("ab\r\ncd")
        #expect(document.offset(of: TextPosition(line: 0, character: 99), encoding: .utf16) == 2)
        #expect(document.offset(of: TextPosition(line: 9, character: 0), encoding: .utf16) == 6)
        #expect(document.offset(of: TextPosition(line: -1, character: 3), encoding: .utf16) == 0)
        #expect(document.offset(of: TextPosition(line: 1, character: -3), encoding: .utf16) == 4)
        #expect(document.position(of: 99, encoding: .utf16) == TextPosition(line: 1, character: 2))
    }

    @Test func aPositionInsideACharacterGoesToItsStart() {
        let document = TextDocument("𝔘x")
        #expect(document.offset(of: TextPosition(line: 0, character: 1), encoding: .utf16) == 0)
        #expect(document.offset(of: TextPosition(line: 0, character: 2), encoding: .utf16) == 4)
        #expect(document.offset(of: TextPosition(line: 0, character: 3), encoding: .utf8) == 0)
        #expect(document.offset(of: TextPosition(line: 0, character: 1), encoding: .utf32) == 4)
    }

    @Test func positionsAndOffsetsAreInverse() {
        let document = TextDocument("a𝔘é\r\n中\rx\n")
        for encoding in [PositionEncoding.utf8, .utf16, .utf32] {
            for offset in [0, 1, 5, 7, 9, 12, 13, 14, 15] {
                let position = document.position(of: offset, encoding: encoding)
                #expect(document.offset(of: position, encoding: encoding) == offset)
            }
        }
    }

    @Test func aBackwardsRangeIsTurned() {
        var document = TextDocument("abcdef")
        let range = TextRange(
            start: TextPosition(line: 0, character: 4), end: TextPosition(line: 0, character: 1))
        document.replace(range, with: "-", encoding: .utf16)
        #expect(document.text == "a-ef")
    }

    @Test func encodingsAreNegotiatedInTheClientsOrder() {
        #expect(PositionEncoding.negotiate(nil) == .utf16)
        #expect(PositionEncoding.negotiate([]) == .utf16)
        #expect(PositionEncoding.negotiate(["klingon", "utf-32", "utf-8"]) == .utf32)
    }

    @Test func twoSpellingsOfAFileAreOneDocument() {
        #expect(DocumentURI("file:///a%20b/c.py") == DocumentURI(path: "/a b/c.py"))
        #expect(DocumentURI("file:///tmp/%C3%A9.py").path == "/tmp/é.py")
        #expect(DocumentURI("file://localhost/tmp/x").path == "/tmp/x")
        #expect(DocumentURI("untitled:Untitled-1").path == nil)
        #expect(DocumentURI("untitled:a") != DocumentURI("untitled:b"))
    }
}
