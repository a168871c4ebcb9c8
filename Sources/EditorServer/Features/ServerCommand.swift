/// What clients can run. The first argument is always the document's URI.
enum ServerCommand: String, CaseIterable {
    case replayAll = "hindsight.replayAll"
    case replayLastIteration = "hindsight.replayLastIteration"
    case cancelReplay = "hindsight.cancelReplay"
    case exportValues = "hindsight.exportValues"
    case showRun = "hindsight.showRun"
}
