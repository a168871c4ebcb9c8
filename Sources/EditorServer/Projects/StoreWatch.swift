import HindsightCore
import LanguageServerProtocol

extension EditorServer {
    /// Where the client watches files, a check comes with its news; a slow one stays for clients that watch
    /// but leave hidden folders out.
    func scheduleStoreCheck() {
        thread.perform(after: watchesStores ? .seconds(3) : .seconds(1)) { [weak self] in
            self?.assumeIsolated {
                $0.checkStores()
                $0.scheduleStoreCheck()
            }
        }
    }

    func registerWatchedFiles() {
        guard capabilities.registersWatchedFiles else { return }
        watchesStores = true
        register(
            DidChangeWatchedFilesNotification.method,
            options: [
                "watchers": [["globPattern": "**/.hindsight/**"], ["globPattern": "**/*.py"]]
            ])
    }

    func watchedFilesChanged(_ parameters: DidChangeWatchedFilesNotification.Parameters) {
        let paths = parameters.changes.compactMap(\.uri.path)
        if paths.contains(where: { $0.contains("/.hindsight") }) { checkStores() }
        let open = Set(documents.values.compactMap(\.uri.path))
        if paths.contains(where: { $0.hasSuffix(".py") && !open.contains($0) }) {
            for session in allSessions { scheduleAnalysis(of: session, after: analysisDelay) }
        }
    }

    /// Looks for new runs, and for what a run in progress has written since.
    func checkStores() {
        for document in documents.values where document.isPython && document.membership == nil {
            findProject(of: document)
        }
        for project in projects.values { check(project) }
    }

    private func check(_ project: Project) {
        let archive = project.archive
        let sessions = project.sessions.values.map { (id: $0.run.id, count: $0.recorded.count) }
        let old = project.stamp
        Task {
            do {
                let news = try await project.work.run { () -> StoreNews? in
                    let stamp = archive.stamp()
                    guard stamp != old else { return nil }
                    return try StoreNews(
                        stamp: stamp,
                        runs: sessions.map {
                            (
                                try archive.run($0.id), try archive.logRecords(of: $0.id, from: $0.count),
                                $0.count
                            )
                        })
                }
                guard let news else { return }
                project.stamp = news.stamp
                for (run, records, from) in news.runs { take(run, records, from: from, project) }
                for document in documents.values where document.membership?.project === project {
                    findProject(of: document)
                }
            } catch {
                log("The store \(project.location.directory) cannot be read: \(error)", type: .warning)
            }
        }
    }

    private func take(_ run: Run, _ records: [LogRecord], from: Int, _ project: Project) {
        guard let session = project.sessions[run.id] else { return }
        let hasEnded = session.run.status == .running && run.status != .running
        session.run = run
        // Another check may have brought them already.
        if from == session.recorded.count { session.recorded.add(records) }
        if hasEnded {
            // Answers came up to where the run was; there is more to ask now.
            forgetInquiries(session)
            scheduleAnalysis(of: session, after: .zero)
        }
        guard hasEnded || !records.isEmpty else { return }
        for document in documents.values where document.membership?.session === session {
            valuesChanged(in: document)
        }
    }
}

private struct StoreNews: Sendable {
    var stamp: String
    var runs: [(run: Run, records: [LogRecord], from: Int)]

    init(stamp: String, runs: [(Run, [LogRecord], Int)]) {
        self.stamp = stamp
        self.runs = runs.map { (run: $0.0, records: $0.1, from: $0.2) }
    }
}
