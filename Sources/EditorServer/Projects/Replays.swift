import HindsightCore
import LanguageServerProtocol
import PythonSource

extension EditorServer {
    /// The probes of the present sources: the same question as before goes on, another takes its place.
    func ask(_ match: SourceMatch, edited: [SourceFile], probes: [Inquiry.Probe], _ session: RunSession) {
        guard !probes.isEmpty else {
            retire(session)
            return
        }
        if let present = session.inquiry, present.fingerprint == match.fingerprint,
            present.probes.count == probes.count
        {
            return
        }
        retire(session)
        if let known = session.answer(to: match.fingerprint), known.probes.count == probes.count {
            session.inquiry = known
            return
        }
        var iterations: IterationSelection?
        if let specification = settings.iterations {
            do {
                iterations = try IterationSelection(parsing: specification)
            } catch {
                say("The setting hindsight.iterations cannot be used: \(error)")
            }
        }
        let question = ReplayQuestion(
            run: session.run, match: match, edited: edited, iterations: iterations,
            allowsWeakSandbox: settings.allowWeakSandbox)
        let inquiry = Inquiry(fingerprint: match.fingerprint, question: question, probes: probes)
        session.inquiry = inquiry
        estimate(inquiry, session)
        if settings.replay == .automatic { replay(inquiry, session) }
    }

    /// Puts the present question aside: its replay ends, its answer is kept.
    private func retire(_ session: RunSession) {
        guard let inquiry = session.inquiry else { return }
        inquiry.stop()
        endProgress(inquiry, message: nil)
        if inquiry.phase == .finished, !inquiry.isNarrowed { session.keep(inquiry) }
        session.inquiry = nil
    }

    /// Starts the replay, from the beginning.
    func replay(_ inquiry: Inquiry, _ session: RunSession) {
        guard let archive = project(of: session)?.archive else { return }
        inquiry.stop()
        inquiry.clear()
        inquiry.phase = .running
        beginProgress(inquiry, session)
        let question = inquiry.question
        inquiry.task = Task {
            for await update in archive.replay(question) {
                guard session.inquiry === inquiry, !Task.isCancelled else { break }
                receive(update, inquiry, session)
            }
            if !Task.isCancelled, session.inquiry === inquiry, inquiry.phase == .running {
                receive(.failed("The replay ended without an answer."), inquiry, session)
            }
        }
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
        case .hits(let hits): inquiry.add(hits)
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
        case .restarted: inquiry.clear()
        case .finished:
            inquiry.phase = .finished
            endProgress(inquiry, message: nil)
        case .failed(let sentence):
            inquiry.phase = .failed(sentence)
            endProgress(inquiry, message: "failed")
            say(sentence, type: .error)
        }
        documentsChanged(session)
    }

    private func documentsChanged(_ session: RunSession) {
        for document in documents.values where document.membership?.session === session {
            valuesChanged(in: document)
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
