import LanguageServerProtocol

extension EditorServer {
    func open(_ parameters: DidOpenNotification.Parameters) {
        let item = parameters.textDocument
        if let old = documents[item.uri] { leaveProject(old) }
        let document = OpenDocument(
            uri: item.uri, languageId: item.languageId, version: item.version, text: item.text)
        documents[item.uri] = document
        findProject(of: document)
    }

    func change(_ parameters: DidChangeNotification.Parameters) {
        guard let document = documents[parameters.textDocument.uri] else {
            logger.warning("A document that is not open was changed: \(parameters.textDocument.uri)")
            return
        }
        document.apply(
            parameters.contentChanges, version: parameters.textDocument.version, encoding: encoding)
        if let session = document.membership?.session { analyzeSoon(session) }
        publishAfterQueue(document)
    }

    /// An edit by itself is analyzed at once; those of a burst wait for its end.
    private func analyzeSoon(_ session: RunSession) {
        let isBurst = session.lastEdit.map { .now - $0 < analysisDelay } ?? false
        session.lastEdit = .now
        scheduleAnalysis(of: session, after: isBurst ? analysisDelay : .zero)
    }

    func save(_ parameters: DidSaveNotification.Parameters) {
        // What counts is the text in the editor; but a new run may have been started from what was saved.
        checkStores()
    }

    func close(_ parameters: DidCloseNotification.Parameters) {
        guard let document = documents.removeValue(forKey: parameters.textDocument.uri) else { return }
        let session = document.membership?.session
        leaveProject(document)
        lastPublished[document.uri] = nil
        if let published = document.published, !published.diagnostics.isEmpty {
            connection.notify(
                PublishDiagnosticsNotification.self,
                PublishDiagnosticsNotification.Parameters(uri: document.uri, version: nil, diagnostics: []))
        }
        // The others are compared with the file on disk from now on.
        if let session, documents.values.contains(where: { $0.membership?.session === session }) {
            scheduleAnalysis(of: session, after: .zero)
        }
    }
}
