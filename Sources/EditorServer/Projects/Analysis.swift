import HindsightCore
import LanguageServerProtocol
import PythonSource

/// The texts of the open documents of a run as they went into an analysis.
private struct AnalyzedText {
    var document: OpenDocument
    var revision: Int
    var path: String
    /// With the comments that the document does not hold.
    var text: PinnedText
}

extension EditorServer {
    /// Analyzes the sources when typing has paused for that long.
    func scheduleAnalysis(of session: RunSession, after delay: Duration) {
        if let timer = session.analysisTimer { thread.cancel(timer: timer) }
        let id = session.run.id
        session.analysisTimer = thread.perform(after: delay) { [weak self] in
            self?.assumeIsolated { server in
                guard let session = server.allSessions.first(where: { $0.run.id == id }) else { return }
                session.analysisTimer = nil
                server.analyze(session)
            }
        }
    }

    /// One analysis at a time: what was typed meanwhile waits for the next.
    private func analyze(_ session: RunSession) {
        guard !session.isAnalyzing else {
            session.needsAnalysis = true
            return
        }
        let texts = documents.values.compactMap { document -> AnalyzedText? in
            guard let membership = document.membership, membership.session === session else { return nil }
            return AnalyzedText(
                document: document, revision: document.revision, path: membership.path,
                text: PinnedText(document.text, document.pins))
        }
        guard let project = texts.first?.document.membership?.project else { return }
        session.isAnalyzing = true
        Task {
            do {
                try await analyze(session, texts, project)
                session.problem = nil
            } catch {
                session.problem = "\(error)"
                say("The sources cannot be compared with run \(session.run.id): \(error)")
                for text in texts { valuesChanged(in: text.document) }
            }
            session.isAnalyzing = false
            if session.needsAnalysis {
                session.needsAnalysis = false
                if session.analysisTimer == nil { analyze(session) }
            }
        }
    }

    private func analyze(_ session: RunSession, _ texts: [AnalyzedText], _ project: Project) async throws {
        let archive = project.archive
        let disk = project.disk
        let run = session.run
        let sources = session.sources
        let current = texts.map { (path: $0.path, text: $0.text.text) }
        var edited = await project.work.run { () -> [SourceFile] in
            let open = current.map { SourceFile(path: $0.path, text: Self.pythonText($0.text)) }
            return open + disk.changed(sources, open: open)
        }
        var match = try await archive.match(run, recorded: sources, edited: edited)
        let broken = Set(match.files.filter { !$0.parsed }.map(\.path))
        if !broken.isEmpty {
            // A text that does not parse changes nothing: its last one that did stands in for it.
            let substitutes = texts.filter { broken.contains($0.path) }.map {
                ($0.path, $0.document.parsedText?.text)
            }
            edited = await project.work.run { [edited] () -> [SourceFile] in
                edited.filter { !broken.contains($0.path) }
                    + substitutes.compactMap { path, text in
                        text.map { SourceFile(path: path, text: Self.pythonText($0)) }
                    }
            }
            if texts.contains(where: {
                !broken.contains($0.path) && $0.document.analyzedRevision != $0.revision
            }) {
                match = try await archive.match(run, recorded: sources, edited: edited)
            } else {
                return finishWithoutParse(session, texts)
            }
        }
        // Somebody went on typing: the next analysis is on its way.
        guard texts.allSatisfy({ isCurrent($0, session) }) else { return }
        take(match, edited: edited, session, texts.filter { !broken.contains($0.path) })
    }

    private func isCurrent(_ text: AnalyzedText, _ session: RunSession) -> Bool {
        text.document.revision == text.revision && text.document.membership?.session === session
    }

    private func finishWithoutParse(_ session: RunSession, _ texts: [AnalyzedText]) {
        for text in texts where isCurrent(text, session) { publishAfterQueue(text.document) }
    }

    private func take(
        _ match: SourceMatch, edited: [SourceFile], _ session: RunSession, _ texts: [AnalyzedText]
    ) {
        // A probe in a file that nobody looks at is not worth a replay.
        let shown = Set(
            documents.values.compactMap { $0.membership?.session === session ? $0.membership?.path : nil })
        let seen = Set(
            match.files.filter { shown.contains($0.path) }.flatMap { $0.probes.map(\.id) })
        let groups = match.answerGroups.filter { !seen.isDisjoint(with: $0.probes) }
        let names = match.probeNames
        var asked = match.restricted(to: Set(groups.map(\.key)))
        if groups.isEmpty { asked = SourceMatch(files: [], fingerprint: "", execute: []) }
        ask(asked, edited: edited, session)

        for file in match.files {
            guard let text = texts.first(where: { $0.path == file.path }) else { continue }
            place(file, names, text)
        }
        for text in texts { valuesChanged(in: text.document) }
    }

    private func place(
        _ file: SourceMatch.File, _ names: [String: ProbeName], _ analyzed: AnalyzedText
    ) {
        let document = analyzed.document
        let text = document.text
        let added = file.probes.compactMap { probe in
            names[probe.id].map { name in
                let pin = analyzed.text.pins[.init(line: probe.line - 1, column: probe.column)]
                return Placement(
                    statement: .probe(name),
                    range: pin?.range
                        ?? Self.bytes(
                            text, line: probe.line, column: probe.column, endLine: probe.endLine,
                            endColumn: probe.endColumn))
            }
        }
        let logs = file.logs.map { log in
            Placement(
                statement: .recorded(log.site),
                range: Self.bytes(
                    text, line: log.line, column: log.column, endLine: log.endLine, endColumn: log.endColumn))
        }
        document.place(Placements(added + logs), revision: analyzed.revision)
        document.loops = file.loops.map { loop in
            OpenDocument.LoopHeader(
                range: Self.bytes(text, line: loop.line, column: 0, endLine: loop.line, endColumn: .max),
                target: loop.target)
        }
        document.remarks = file.changes.map { change in
            let kind: OpenDocument.Remark.Kind =
                switch change.kind {
                case .conflict, .unplaced: .unanswerable
                case .unloaded: .unloaded
                case .training, .removed: .changed
                }
            return OpenDocument.Remark(
                kind: kind,
                range: Self.bytes(
                    text, line: change.line, column: 0, endLine: change.endLine, endColumn: .max),
                message: change.message)
        }
    }

    /// Python counts lines from 1 and columns in bytes of UTF-8.
    static func bytes(
        _ text: TextDocument, line: Int, column: Int, endLine: Int, endColumn: Int
    ) -> Range<Int> {
        func offset(_ line: Int, _ column: Int) -> Int {
            guard line <= text.lineCount else { return text.bytes.count }
            let content = text.contentRange(ofLine: max(0, line - 1))
            let mark = line == 1 && text.bytes.starts(with: byteOrderMark) ? byteOrderMark.count : 0
            return min(content.upperBound, content.lowerBound + mark + min(column, content.count))
        }
        let start = offset(line, column)
        return start..<max(start, offset(endLine, endColumn))
    }

    private static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]

    /// A byte order mark belongs to the file, not to the program.
    static func pythonText(_ document: TextDocument) -> String {
        document.bytes.starts(with: byteOrderMark)
            ? String(decoding: document.bytes.dropFirst(byteOrderMark.count), as: UTF8.self) : document.text
    }
}
