import HindsightCore
import LanguageServerProtocol
import PythonSource

extension EditorServer {
    /// The probes of the present sources: what is being answered goes on, and only what is new is asked.
    func ask(_ match: SourceMatch, edited: [SourceFile], _ session: RunSession) {
        session.asked = match.answerGroups.isEmpty ? nil : (match, edited)
        let wanted = Set(match.answerGroups.map(\.key))
        for inquiry in session.inquiries where inquiry.groups.isDisjoint(with: wanted) {
            retire(inquiry, session)
        }
        var missing = wanted.subtracting(session.inquiries.flatMap(\.groups))
        for known in session.answers(to: missing) {
            session.inquiries.append(known)
            missing.subtract(known.groups)
        }
        guard !missing.isEmpty else { return checkOrder(session) }
        begin(
            missing, iterations: iterationsSetting, isNarrowed: false, session,
            isWaiting: settings.replay == .manual)
    }

    /// The iterations that the user has set once and for all.
    private var iterationsSetting: IterationSelection? {
        guard let specification = settings.iterations else { return nil }
        do {
            return try IterationSelection(parsing: specification)
        } catch {
            say("The setting hindsight.iterations cannot be used: \(error)")
            return nil
        }
    }

    /// Asks about some of the groups of the present sources, in one pass.
    private func begin(
        _ groups: Set<String>, iterations: IterationSelection?, isNarrowed: Bool, _ session: RunSession,
        isWaiting: Bool
    ) {
        guard let (match, edited) = session.asked else { return }
        let question = ReplayQuestion(
            run: session.run, match: match.restricted(to: groups), edited: edited, iterations: iterations,
            allowsWeakSandbox: settings.allowWeakSandbox, limit: settings.limit,
            mayUseStandingWorker: settings.standingWorker != .never, limits: settings.limits)
        let inquiry = Inquiry(question: question, isNarrowed: isNarrowed)
        session.inquiries.append(inquiry)
        estimate(inquiry, session)
        if !isWaiting { replay(inquiry, session) }
    }

    /// Asks about everything again, in one pass, whatever was asked before.
    func askAgain(iterations: IterationSelection?, _ session: RunSession) {
        guard let (match, _) = session.asked else { return }
        for inquiry in session.inquiries { retire(inquiry, session) }
        let isNarrowed = iterations != nil
        begin(
            Set(match.answerGroups.map(\.key)), iterations: iterations ?? iterationsSetting,
            isNarrowed: isNarrowed, session, isWaiting: false)
        needsLensRefresh = true
        documentsChanged(session)
    }

    /// Puts a question aside: its replay ends, its answer is kept.
    private func retire(_ inquiry: Inquiry, _ session: RunSession) {
        inquiry.stop()
        endProgress(inquiry, message: nil)
        if inquiry.phase == .finished, !inquiry.isNarrowed { session.keep(inquiry) }
        session.inquiries.removeAll { $0 === inquiry }
    }

    /// Ends all questions and forgets what was answered.
    func forgetInquiries(_ session: RunSession) {
        session.forgetAnswers()
        for inquiry in session.inquiries {
            inquiry.stop()
            endProgress(inquiry, message: nil)
        }
        session.inquiries = []
    }

    private func replay(_ inquiry: Inquiry, _ session: RunSession) {
        guard let archive = project(of: session)?.archive else { return }
        inquiry.phase = .running
        beginProgress(inquiry, session)
        let question = inquiry.question
        inquiry.task = Task {
            for await update in archive.replay(question) {
                guard isPresent(inquiry, session), !Task.isCancelled else { break }
                receive(update, inquiry, session)
            }
            if !Task.isCancelled, isPresent(inquiry, session), inquiry.phase == .running {
                receive(.failed("The replay ended without an answer."), inquiry, session)
            }
        }
    }

    private func isPresent(_ inquiry: Inquiry, _ session: RunSession) -> Bool {
        session.inquiries.contains { $0 === inquiry }
    }

    func cancel(_ inquiry: Inquiry, _ session: RunSession) {
        guard inquiry.isRunning else { return }
        inquiry.stop()
        inquiry.phase = .cancelled
        endProgress(inquiry, message: "cancelled")
        documentsChanged(session)
    }

    func project(of session: RunSession) -> Project? {
        projects.values.first { $0.sessions[session.run.id] === session }
    }

    private func receive(_ update: ReplayUpdate, _ inquiry: Inquiry, _ session: RunSession) {
        switch update {
        case .began(let seconds): inquiry.estimate = seconds
        case .hits(let hits):
            let isFirst = inquiry.series.isEmpty
            inquiry.add(hits)
            if isFirst { return documentsChanged(session, isAwaited: true) }
        case .verdicts(let changes): inquiry.apply(changes)
        case .progress(let fraction, let message):
            inquiry.progress = (fraction, message)
            reportProgress(inquiry)
            return
        case .probeFailed(let file, let line, let message):
            inquiry.fail(file: file, line: line, message: message)
        case .note(let sentence):
            log(sentence, type: .info)
            return
        case .limited(let file, let line, let count): inquiry.limit(file: file, line: line, count: count)
        case .restarted: inquiry.clear()
        case .complete: inquiry.isWhole = true
        case .replaced(let hits): inquiry.replace(with: hits)
        case .finished:
            inquiry.phase = .finished
            endProgress(inquiry, message: nil)
            checkOrder(session)
        case .failed(let sentence):
            inquiry.phase = .failed(sentence)
            endProgress(inquiry, message: "failed")
            say(sentence, type: .error)
        }
        documentsChanged(session)
    }

    /// Hits that came from different passes may be such that nobody can tell which came first; then all of
    /// it is asked again, in one pass.
    private func checkOrder(_ session: RunSession) {
        let inquiries = session.inquiries
        guard inquiries.count > 1, inquiries.allSatisfy({ $0.phase == .finished && !$0.isNarrowed }),
            let match = session.asked?.match
        else { return }
        let blocks = Dictionary(
            match.groups.map { ($0.key, $0.block) }, uniquingKeysWith: { first, _ in first })
        let parts = inquiries.enumerated().flatMap { number, inquiry in
            inquiry.series.compactMap { name, series in
                blocks[name.group].map {
                    SeparateAnswers.Part(pass: number, block: $0, hits: series.hits)
                }
            }
        }
        Task {
            let canBeTold = await Task.detached { SeparateAnswers(parts).canBeTold }.value
            guard !canBeTold, session.inquiries.count == inquiries.count,
                zip(session.inquiries, inquiries).allSatisfy({ $0 === $1 })
            else { return }
            log("The order of values from several replays cannot be told: one replay answers them all.")
            askAgain(iterations: nil, session)
        }
    }

    func documentsChanged(_ session: RunSession, isAwaited: Bool = false) {
        for document in documents.values where document.membership?.session === session {
            valuesChanged(in: document, isAwaited: isAwaited)
        }
    }

    private func estimate(_ inquiry: Inquiry, _ session: RunSession) {
        guard let project = project(of: session) else { return }
        let archive = project.archive
        let question = inquiry.question
        Task {
            do {
                let seconds = try await project.work.run { try archive.estimate(question) }
                if inquiry.estimate == nil { inquiry.estimate = seconds }
                needsLensRefresh = true
                documentsChanged(session)
            } catch {
                log("The cost of a replay cannot be estimated: \(error)")
            }
        }
    }
}
