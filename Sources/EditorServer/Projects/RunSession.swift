import HindsightCore
import PythonSource

/// One run as the open documents show it: its recorded values, and the questions that their probes ask.
final class RunSession {
    var run: Run
    /// A run in progress may load more.
    var sources: [RecordedSource]
    var recorded: RecordedValues
    /// The probes of the sources as they were last analyzed; nil where there is none.
    var asked: (match: SourceMatch, edited: [SourceFile])?
    /// What is being answered or is answered: each probe has one of these.
    var inquiries: [Inquiry] = []
    /// Earlier questions that are answered: taking an edit back shows them at once.
    private var answered: [Inquiry] = []

    /// The timer that waits for a pause in typing.
    var analysisTimer: Int?
    var isAnalyzing = false
    var needsAnalysis = false
    var lastEdit: ContinuousClock.Instant?
    /// Why sources cannot be analyzed.
    var problem: String?

    init(run: Run, sources: [RecordedSource], recorded: RecordedValues) {
        self.run = run
        self.sources = sources
        self.recorded = recorded
    }

    func inquiry(for probe: ProbeName) -> Inquiry? {
        inquiries.first { $0.groups.contains(probe.group) }
    }

    func keep(_ inquiry: Inquiry) {
        answered.removeAll { $0.groups == inquiry.groups }
        answered.append(inquiry)
        if answered.count > 16 { answered.removeFirst() }
    }

    /// Earlier inquiries that answer some of these groups, and none that another one answers.
    func answers(to groups: Set<String>) -> [Inquiry] {
        var taken = Set(inquiries.flatMap(\.groups))
        var found: [Inquiry] = []
        for inquiry in answered.reversed()
        where !inquiry.groups.isDisjoint(with: groups) && inquiry.groups.isDisjoint(with: taken) {
            taken.formUnion(inquiry.groups)
            found.append(inquiry)
        }
        return found
    }

    func forgetAnswers() { answered = [] }

    /// The target of a loop, to narrow a question to some of its iterations.
    func target(of loop: LoopID) -> String? {
        sources.lazy.flatMap(\.loops).first { $0.id == loop }?.target
    }
}
