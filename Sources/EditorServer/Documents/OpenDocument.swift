import LanguageServerProtocol

/// A document that the client has open.
final class OpenDocument {
    let uri: DocumentURI
    /// Only Python files on disk can belong to a recorded run.
    let isPython: Bool
    private(set) var version: Int
    private(set) var text: TextDocument
    /// Counts texts: versions are the client's and may repeat.
    private(set) var revision = 0
    private(set) var placements = Placements()
    /// The revision for which an analysis has placed the statements.
    private(set) var analyzedRevision = -1
    /// The newest revision that is known to parse, and its text.
    private(set) var parsedText: (revision: Int, text: TextDocument)?
    /// Sentences about how the source differs from the recorded one.
    var remarks: [Remark] = []
    /// The headers of the recorded loops.
    var loops: [LoopHeader] = []
    /// Expressions whose history the user has asked for.
    var pins: [Pin] = []
    /// The one of them that the last hover asked for.
    var hoverPin: Pin?

    /// Where it stands in its project; nil while that is being found out and where there is none.
    var membership: Membership?
    /// Whether finding its project is under way.
    var isBeingPlaced = false

    /// What was published last, to leave out a message that says nothing new.
    var published: (version: Int?, diagnostics: [Diagnostic])?
    /// The hints that the client asked for last, for the same reason.
    var sentHints: (range: TextRange, hints: [InlayHint])?

    struct Membership {
        var project: Project
        /// Relative to the project's root.
        var path: String
        var session: RunSession?
    }

    /// A sentence about some lines.
    struct Remark {
        enum Kind { case changed, unanswerable, unloaded }

        var kind: Kind
        var range: Range<Int>
        var message: String
    }

    struct LoopHeader {
        /// The first byte of its line, and the last one.
        var range: Range<Int>
        /// The loop's target as the source writes it.
        var target: String

        /// The target as iterations are asked for by it: one of its names says enough.
        var name: String {
            let isPart = { (character: Character) in
                character.isLetter || character.isNumber || character == "_"
            }
            return target.split { !isPart($0) }.first.map(String.init) ?? target
        }
    }

    init(uri: DocumentURI, languageId: String?, version: Int, text: String) {
        self.uri = uri
        self.version = version
        self.text = TextDocument(text)
        let isNamedPython = uri.path?.hasSuffix(".py") ?? false
        isPython = uri.path != nil && (isNamedPython || languageId == "python")
    }

    /// Whether the placements hold for the text as it is now.
    var isAnalyzed: Bool { analyzedRevision == revision }

    func apply(
        _ changes: [DidChangeNotification.Parameters.Change], version: Int?, encoding: PositionEncoding
    ) {
        for change in changes {
            if let range = change.range {
                replace(text.offsets(of: range, encoding: encoding), with: change.text)
            } else {
                let (range, part) = Self.difference(text, change.text)
                replace(range, with: part)
            }
        }
        if let version { self.version = version }
        revision += 1
    }

    private func replace(_ range: Range<Int>, with part: String) {
        placements.follow(replacing: range, with: part, in: text)
        pins = pins.compactMap { $0.following(replacing: range, with: part, in: text) }
        hoverPin = hoverPin?.following(replacing: range, with: part, in: text)
        remarks = remarks.compactMap { remark in
            moved(remark.range, by: range, count: part.utf8.count).map {
                Remark(kind: remark.kind, range: $0, message: remark.message)
            }
        }
        loops = loops.compactMap { loop in
            moved(loop.range, by: range, count: part.utf8.count).map {
                LoopHeader(range: $0, target: loop.target)
            }
        }
        text.replace(range, with: part)
    }

    /// Statements are at new places, as an analysis of this revision says.
    func place(_ placements: Placements, revision: Int) {
        self.placements = placements
        analyzedRevision = revision
        parsedText = (revision, text)
    }

    /// A first guess, before any analysis.
    func guess(_ placements: Placements) { self.placements = placements }

    /// Forgets what was known: the run is another one.
    func forgetPlacements() {
        placements = Placements()
        analyzedRevision = -1
        remarks = []
        loops = []
    }

    /// Where a range is after an edit; nil where the edit touched it.
    private func moved(_ range: Range<Int>, by edit: Range<Int>, count: Int) -> Range<Int>? {
        if range.upperBound <= edit.lowerBound { return range }
        guard range.lowerBound >= edit.upperBound else { return nil }
        let shift = count - edit.count
        return range.lowerBound + shift..<range.upperBound + shift
    }

    /// A client that sends whole texts has changed only a part: what lies around it keeps its place.
    private static func difference(_ old: TextDocument, _ new: String) -> (Range<Int>, String) {
        let fresh = Array(new.utf8)
        let known = old.bytes
        var prefix = 0
        let shorter = min(known.count, fresh.count)
        while prefix < shorter, known[prefix] == fresh[prefix] { prefix += 1 }
        var suffix = 0
        while suffix < shorter - prefix,
            known[known.count - 1 - suffix] == fresh[fresh.count - 1 - suffix]
        {
            suffix += 1
        }
        // Characters stay whole.
        while prefix > 0, prefix < fresh.count, fresh[prefix] & 0xC0 == 0x80 { prefix -= 1 }
        while suffix > 0, fresh[fresh.count - suffix] & 0xC0 == 0x80 { suffix -= 1 }
        let part = String(decoding: fresh[prefix..<fresh.count - suffix], as: UTF8.self)
        return (prefix..<known.count - suffix, part)
    }
}
