import LanguageServerProtocol

/// When documents are published: at once after an edit and with a question's first value, at most every 100 ms
/// while more arrive.
extension EditorServer {
    static let publishInterval = Duration.milliseconds(100)

    /// After what is already waiting to be handled: of several edits that came together the last one counts.
    func publishAfterQueue(_ document: OpenDocument) {
        guard dueDocuments.insert(document.uri).inserted else { return }
        let uri = document.uri
        thread.perform { [weak self] in
            self?.assumeIsolated { server in
                server.dueDocuments.remove(uri)
                if let document = server.documents[uri] { server.publish(document) }
            }
        }
    }

    /// Values came or changed for another reason than an edit: hints that the client has are out of date.
    ///
    /// - Parameter isAwaited: somebody waits for just this, and nothing of its kind was published before.
    func valuesChanged(in document: OpenDocument, isAwaited: Bool = false) {
        needsHintRefresh = true
        guard !isAwaited else { return publishAfterQueue(document) }
        guard !publishTimers.contains(document.uri) else { return }
        let last = lastPublished[document.uri]
        let due = last.map { $0 + Self.publishInterval } ?? .now
        if due <= .now {
            publishAfterQueue(document)
        } else {
            let uri = document.uri
            publishTimers.insert(uri)
            thread.perform(after: due - .now) { [weak self] in
                self?.assumeIsolated { server in
                    server.publishTimers.remove(uri)
                    if let document = server.documents[uri] { server.publish(document) }
                }
            }
        }
    }

    private func publish(_ document: OpenDocument) {
        guard document.isPython else { return }
        lastPublished[document.uri] = .now
        publishDiagnostics(document)
        refreshHints()
    }

    /// One refresh at a time: a slow client is not asked again before it has answered.
    private func refreshHints() {
        if needsHintRefresh, capabilities.refreshesInlayHints, !awaitsHintRefresh {
            needsHintRefresh = false
            guard documents.values.contains(where: hasOutdatedHints) else { return refreshLenses() }
            awaitsHintRefresh = true
            connection.request(InlayHintRefreshRequest.self, Nothing()) { [weak self] _ in
                self?.assumeIsolated { server in
                    server.awaitsHintRefresh = false
                    if server.needsHintRefresh { server.refreshHints() }
                }
            }
        }
        refreshLenses()
    }

    private func refreshLenses() {
        if needsLensRefresh, capabilities.refreshesCodeLenses {
            needsLensRefresh = false
            connection.request(CodeLensRefreshRequest.self, Nothing()) { _ in }
        }
    }
}
