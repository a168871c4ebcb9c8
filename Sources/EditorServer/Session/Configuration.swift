import LanguageServerProtocol

extension EditorServer {
    func configurationChanged(_ parameters: DidChangeConfigurationNotification.Parameters) {
        if case .object(let members)? = parameters.settings, !members.isEmpty {
            use(members["hindsight"] ?? parameters.settings)
        }
        // Some clients send nothing and wait to be asked.
        askForConfiguration()
    }

    func askForConfiguration() {
        guard capabilities.hasConfiguration else { return }
        connection.request(
            ConfigurationRequest.self, ConfigurationRequest.Parameters(items: [.init(section: "hindsight")])
        ) { [self] answer in
            guard case .success(let values) = answer else { return }
            assumeIsolated { $0.use(values.first) }
        }
    }

    private func use(_ value: JSONValue?) {
        let before = settings
        settings.update(from: value) { say($0) }
        guard settings != before else { return }
        if settings.store != before.store {
            for document in documents.values { leaveProject(document) }
            for document in documents.values { findProject(of: document) }
        } else {
            for session in allSessions {
                if settings.iterations != before.iterations
                    || settings.limit != before.limit || settings.allowWeakSandbox != before.allowWeakSandbox
                {
                    forgetInquiries(session)
                }
                scheduleAnalysis(of: session, after: .zero)
            }
        }
        for document in documents.values { publishAfterQueue(document) }
    }

    var allSessions: [RunSession] { projects.values.flatMap { Array($0.sessions.values) } }
}
