import Foundation
import HindsightCore
import LanguageServerProtocol
import RunStore

/// What was found out about a document away from the handler thread.
private struct FoundProject: Sendable {
    var location: StoreLocation
    var path: String
    /// nil: nothing was recorded.
    var archive: (any RunArchive)?
    var stamp = ""
    var run: Run?
    var sources: [RecordedSource] = []
    var recorded = RecordedValues()
}

extension EditorServer {
    /// Finds out which project a document belongs to and which run loaded it, and shows what the run recorded.
    /// Does nothing where that is known already and has not changed.
    func findProject(of document: OpenDocument) {
        guard document.isPython, let path = document.uri.path, !document.isBeingPlaced else { return }
        document.isBeingPlaced = true
        let services = services
        let store = settings.store
        let known = projects.mapValues { project in
            (archive: project.archive, paths: project.sessions.mapValues { Set($0.sources.map(\.path)) })
        }
        let work = document.membership?.project.work ?? BlockingWork(label: "project search")
        Task {
            do {
                let found = try await work.run { () -> FoundProject? in
                    let folder = (path as NSString).deletingLastPathComponent
                    let location = services.locate(from: folder, store: store)
                    guard let relative = Self.relative(path, to: location.root) else { return nil }
                    var found = FoundProject(location: location, path: relative)
                    let before = known[location.directory]
                    guard let archive = try before?.archive ?? services.archive(at: location) else {
                        return found
                    }
                    found.archive = archive
                    found.stamp = archive.stamp()
                    // What no run has loaded may hold code that one has loaded from elsewhere.
                    let newest = try archive.newestRun(loading: relative) ?? archive.newestRun(loading: nil)
                    guard let run = newest else { return found }
                    found.run = run
                    if before?.paths[run.id]?.contains(relative) ?? false { return found }
                    found.sources = try archive.sources(of: run.id)
                    found.recorded.add(try archive.logRecords(of: run.id, from: 0))
                    return found
                }
                document.isBeingPlaced = false
                guard documents[document.uri] === document else { return }
                if let found { join(document, found) } else { publishAfterQueue(document) }
            } catch {
                document.isBeingPlaced = false
                say("The recorded runs cannot be read: \(error)")
            }
        }
    }

    private func join(_ document: OpenDocument, _ found: FoundProject) {
        guard let archive = found.archive else {
            publishAfterQueue(document)
            return
        }
        let project =
            projects[found.location.directory]
            ?? Project(location: found.location, archive: archive, stamp: found.stamp)
        projects[found.location.directory] = project
        let old = document.membership?.session
        var session: RunSession?
        if let run = found.run {
            if let known = project.sessions[run.id] {
                known.run = run
                if !found.sources.isEmpty { known.sources = found.sources }
                session = known
            } else if !found.sources.isEmpty {
                session = RunSession(run: run, sources: found.sources, recorded: found.recorded)
                project.sessions[run.id] = session
                log("\(found.path): showing run \(run.id) of \(run.program)")
            }
            // A file beside them, which the run never loaded, is no reason to start it.
            if settings.standingWorker == .onOpen, settings.replay == .automatic,
                session?.sources.contains(where: { $0.path == found.path }) == true
            {
                project.archive.prepare(for: run, limits: settings.limits)
            }
        }
        document.membership = OpenDocument.Membership(project: project, path: found.path, session: session)
        guard session !== old || session == nil else { return }
        document.forgetPlacements()
        if let old { dropIfUnused(old, in: project) }
        if let session {
            document.guess(guessPlacements(document, session: session, path: found.path))
            scheduleAnalysis(of: session, after: .zero)
        }
        needsLensRefresh = true
        valuesChanged(in: document)
    }

    func leaveProject(_ document: OpenDocument) {
        guard let membership = document.membership else { return }
        document.membership = nil
        document.forgetPlacements()
        if let session = membership.session { dropIfUnused(session, in: membership.project) }
    }

    private func dropIfUnused(_ session: RunSession, in project: Project) {
        guard !documents.values.contains(where: { $0.membership?.session === session }) else { return }
        for inquiry in session.inquiries { inquiry.stop() }
        if let timer = session.analysisTimer { thread.cancel(timer: timer) }
        project.sessions[session.run.id] = nil
    }

    /// Until the first analysis: statements on lines before the first and behind the last difference stand
    /// where they stood when the run was recorded.
    private func guessPlacements(_ document: OpenDocument, session: RunSession, path: String) -> Placements {
        guard let source = session.sources.first(where: { $0.path == path }) else { return Placements() }
        let text = document.text
        // Mostly nothing has changed, and then there is nothing to read.
        let recorded = Array(source.text.utf8) == text.bytes ? text : TextDocument(source.text)
        func line(_ document: TextDocument, _ line: Int) -> ArraySlice<UInt8> {
            document.bytes[document.contentRange(ofLine: line)]
        }
        let shorter = min(recorded.lineCount, text.lineCount)
        var prefix = recorded == text ? shorter : 0
        while prefix < shorter, line(recorded, prefix) == line(text, prefix) { prefix += 1 }
        var suffix = 0
        while suffix < shorter - prefix,
            line(recorded, recorded.lineCount - 1 - suffix) == line(text, text.lineCount - 1 - suffix)
        {
            suffix += 1
        }
        return Placements(
            session.recorded.bySite.keys.compactMap { site in
                guard let place = SitePlace(site), place.path == path, place.line <= recorded.lineCount else {
                    return nil
                }
                var number = place.line - 1
                if number >= prefix {
                    guard number >= recorded.lineCount - suffix else { return nil }
                    number += text.lineCount - recorded.lineCount
                }
                let content = text.contentRange(ofLine: number)
                guard content.lowerBound + place.column <= content.upperBound else { return nil }
                return Placement(
                    statement: .recorded(site), range: content.lowerBound + place.column..<content.upperBound)
            })
    }

    /// A path as the run names it; nil outside the project.
    static func relative(_ path: String, to root: String) -> String? {
        let folder = (path as NSString).deletingLastPathComponent
        var resolved = folder
        if let pointer = realpath(folder, nil) {
            resolved = String(cString: pointer)
            free(pointer)
        }
        let full = (resolved as NSString).appendingPathComponent((path as NSString).lastPathComponent)
        let prefix = root.hasSuffix("/") ? root : root + "/"
        return full.hasPrefix(prefix) ? String(full.dropFirst(prefix.count)) : nil
    }
}
