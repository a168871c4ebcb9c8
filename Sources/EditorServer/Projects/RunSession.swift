import HindsightCore

/// One run as the open documents show it: its recorded values, and the question that their probes ask.
final class RunSession {
    var run: Run
    /// A run in progress may load more.
    var sources: [RecordedSource]
    var recorded: RecordedValues
    /// The present question; nil where there is no probe.
    var inquiry: Inquiry?
    /// Earlier questions that are answered: taking an edit back shows them at once.
    private var answered: [Inquiry] = []

    /// The timer that waits for a pause in typing.
    var analysisTimer: Int?
    var isAnalyzing = false
    var needsAnalysis = false
    /// Why sources cannot be analyzed.
    var problem: String?

    init(run: Run, sources: [RecordedSource], recorded: RecordedValues) {
        self.run = run
        self.sources = sources
        self.recorded = recorded
    }

    func keep(_ inquiry: Inquiry) {
        answered.removeAll { $0.fingerprint == inquiry.fingerprint }
        answered.append(inquiry)
        if answered.count > 16 { answered.removeFirst() }
    }

    func answer(to fingerprint: String) -> Inquiry? { answered.first { $0.fingerprint == fingerprint } }

    func forgetAnswers() { answered = [] }

    /// The target of an outermost loop, to narrow a question to its last iteration.
    func target(of loop: LoopID) -> String? {
        sources.lazy.flatMap(\.loops).first { $0.id == loop }?.target
    }
}
