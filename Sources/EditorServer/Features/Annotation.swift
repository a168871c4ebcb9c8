import HindsightCore
import LanguageServerProtocol

/// What is known about one log statement of a document: the common ground of hints, hovers and diagnostics.
struct Annotation {
    enum State: Equatable {
        /// Nothing more will come.
        case complete
        /// A replay is under way.
        case running
        /// Every value is there; what confirms them is under way.
        case checking
        /// The user has to ask for the replay.
        case waiting
        case cancelled
        case failed(String)
        /// The text has been edited since it was last analyzed.
        case unconfirmed
    }

    var range: Range<Int>
    var isReplayed: Bool
    /// Values with the same number come from the same replay.
    var pass: Int?
    var series: Series
    var state: State
    /// What the probe raised instead of logging.
    var failure: String?
    /// How many values there were, where not all are kept.
    var count: Int?
    var run: Run
}

extension EditorServer {
    /// The log statements of a document that something is known about, in the order of the text.
    func annotations(_ document: OpenDocument) -> [Annotation] {
        guard let session = document.membership?.session else { return [] }
        return document.placements.all.compactMap { placement in
            switch placement.statement {
            case .recorded(let site):
                guard let series = session.recorded.bySite[site] else { return nil }
                return Annotation(
                    range: placement.range, isReplayed: false, series: series, state: .complete, failure: nil,
                    run: session.run)
            case .probe(let name):
                guard let pass = session.inquiries.firstIndex(where: { $0.groups.contains(name.group) })
                else { return nil }
                let inquiry = session.inquiries[pass]
                return Annotation(
                    range: placement.range, isReplayed: true, pass: pass,
                    series: inquiry.series[name] ?? Series(),
                    state: document.isAnalyzed ? state(inquiry) : .unconfirmed,
                    failure: inquiry.failures[name], count: inquiry.counts[name],
                    run: session.run)
            }
        }
    }

    private func state(_ inquiry: Inquiry) -> Annotation.State {
        switch inquiry.phase {
        case .waiting: .waiting
        case .running: inquiry.isWhole ? .checking : .running
        case .finished: .complete
        case .failed(let sentence): .failed(sentence)
        case .cancelled: .cancelled
        }
    }
}
