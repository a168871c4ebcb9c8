/// What clients can run. The first argument is always the document's URI.
enum ServerCommand: String, CaseIterable {
    case replayAll = "hindsight.replayAll"
    case replayLastIteration = "hindsight.replayLastIteration"
    /// With the iterations as a second argument (`epoch=30..40,step=0`).
    case replayIterations = "hindsight.replayIterations"
    /// With a position as a second argument.
    case showHistory = "hindsight.showHistory"
    /// With a range as a second argument.
    case hideHistory = "hindsight.hideHistory"
    case cancelReplay = "hindsight.cancelReplay"
    case exportValues = "hindsight.exportValues"
    case showRun = "hindsight.showRun"
}
