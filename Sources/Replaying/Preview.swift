import HindsightCore

/// Values before evidence: where comparing checkpoints takes about as long as everything else, a first pass without
/// comparisons shows what the ordinary ones then confirm, or correct.
extension QueryReplay {
    /// The answer with its evidence, after its values were told. nil where a preview was not to be had, and nothing of
    /// it is told any more, or the query was cancelled.
    func previewed(_ plan: Plan) throws -> Answer? {
        guard isWorthPreview(plan) else { return nil }
        guard let (preview, _) = try mainPass(plan, isPreview: true), preview.contradiction == nil else {
            feed.withdraw()
            return nil
        }
        feed.complete()
        guard let answer = try quietly({ try answer(following: plan, isTold: true) }) else { return nil }
        if !feed.holds(answer.main.findings.map(\.hit)) { feed.replace(with: answer.hits) }
        return answer
    }

    /// Does something for which every value has been told already.
    private func quietly<Result>(_ body: () throws -> Result) rethrows -> Result {
        let shown = feed
        feed = AnswerFeed(selection: selection) { _ in }
        isChecking = true
        defer {
            isChecking = false
            feed = shown
        }
        return try body()
    }

    private func isWorthPreview(_ plan: Plan) -> Bool {
        guard plan.jumps.count >= Self.leastJumps, runner.hasStandingWorker(for: plan) else { return false }
        let comparing = plan.estimate.restoreSeconds + Self.walkSeconds * Double(plan.checks.count)
        return plan.estimate.executedSeconds - material.history.secondsToMainActivation < comparing
    }

    /// What it takes to walk a program's data for a comparison, however large they are.
    private static let walkSeconds = 0.01

    /// Fewer checkpoints are compared before anybody notices.
    private static let leastJumps = 4
}
