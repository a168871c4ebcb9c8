import LanguageServerProtocol

/// A progress display in the client, from its creation to its end.
final class ProgressReport {
    enum Phase { case created, begun, ended }

    let token: RequestID
    var phase = Phase.created
    var lastSent: ContinuousClock.Instant?
    /// Clients expect percentages to rise, and checking starts anew.
    var percentage = 0
    weak var inquiry: Inquiry?

    init(token: RequestID, inquiry: Inquiry) {
        self.token = token
        self.inquiry = inquiry
    }
}

extension EditorServer {
    /// Short replays show no progress: it would only flicker.
    private static let progressDelay = Duration.milliseconds(200)

    func beginProgress(_ inquiry: Inquiry, _ session: RunSession) {
        guard capabilities.hasWorkDoneProgress else { return }
        progressCount += 1
        let report = ProgressReport(token: .string("hindsight/replay/\(progressCount)"), inquiry: inquiry)
        inquiry.report = report
        progressReports[report.token] = report
        let token = report.token
        let title = "Replaying run \(session.run.id)"
        thread.perform(after: Self.progressDelay) { [weak self] in
            self?.assumeIsolated { $0.createProgress(token, title: title) }
        }
    }

    private func createProgress(_ token: RequestID, title: String) {
        guard let report = progressReports[token], report.phase == .created else { return }
        connection.request(CreateProgressRequest.self, CreateProgressRequest.Parameters(token: token)) {
            [weak self] answer in
            self?.assumeIsolated { server in
                guard case .success = answer, let report = server.progressReports[token],
                    report.phase == .created
                else { return }
                report.phase = .begun
                server.send(
                    WorkDoneProgress(
                        kind: .begin, title: title, cancellable: true,
                        message: report.inquiry?.progress?.message,
                        percentage: server.percentage(report)), report)
            }
        }
    }

    func reportProgress(_ inquiry: Inquiry) {
        guard let report = inquiry.report, report.phase == .begun else { return }
        if let last = report.lastSent, last + Self.publishInterval > .now { return }
        send(
            WorkDoneProgress(
                kind: .report, message: inquiry.progress?.message, percentage: percentage(report)), report)
    }

    func endProgress(_ inquiry: Inquiry, message: String?) {
        guard let report = inquiry.report else { return }
        if report.phase == .begun { send(WorkDoneProgress(kind: .end, message: message), report) }
        report.phase = .ended
        progressReports[report.token] = nil
        inquiry.report = nil
    }

    func cancelProgress(_ token: RequestID) {
        guard let inquiry = progressReports[token]?.inquiry,
            let session = allSessions.first(where: { $0.inquiries.contains { $0 === inquiry } })
        else { return }
        cancel(inquiry, session)
    }

    private func percentage(_ report: ProgressReport) -> Int {
        if let fraction = report.inquiry?.progress?.fraction {
            report.percentage = max(report.percentage, min(100, Int(fraction * 100)))
        }
        return report.percentage
    }

    private func send(_ progress: WorkDoneProgress, _ report: ProgressReport) {
        report.lastSent = .now
        connection.notify(
            ProgressNotification.self, ProgressNotification.Parameters(token: report.token, value: progress))
    }
}
