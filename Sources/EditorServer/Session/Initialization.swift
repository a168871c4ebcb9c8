import Foundation
import LanguageServerProtocol

extension EditorServer {
    func initialize(_ parameters: InitializeParameters) -> InitializeResult {
        capabilities = parameters.capabilities
        encoding = .negotiate(capabilities.positionEncodings)
        settings.update(from: parameters.initializationOptions) { say($0) }
        if let parent = parameters.processId {
            parentWatch = ParentWatch(processID: parent) { [weak self] in
                guard let self else { return }
                thread.perform { [self] in
                    assumeIsolated {
                        $0.logger.notice("The process that started the editor is gone.")
                        $0.end(exitCode: $0.isShutDown ? 0 : 1)
                    }
                }
            }
        }
        return InitializeResult(
            capabilities: ServerCapabilities(
                positionEncoding: encoding, textDocumentSync: TextDocumentSyncOptions(), hoverProvider: true,
                inlayHintProvider: InlayHintOptions(), codeLensProvider: CodeLensOptions(),
                codeActionProvider: CodeActionOptions(codeActionKinds: [Self.actionKind]),
                executeCommandProvider: ExecuteCommandOptions(
                    commands: ServerCommand.allCases.map(\.rawValue)),
                workspace: WorkspaceOptions(), experimental: ["hindsightValues": true]),
            serverInfo: ProgramInfo(name: "hindsight"))
    }

    func initialized() {
        registerWatchedFiles()
        if capabilities.registersConfiguration {
            register(DidChangeConfigurationNotification.method, options: nil)
        }
        askForConfiguration()
        scheduleStoreCheck()
    }

    func register(_ method: String, options: JSONValue?) {
        let registration = RegisterCapabilityRequest.Parameters.Registration(
            id: "hindsight:\(method)", method: method, registerOptions: options)
        connection.request(
            RegisterCapabilityRequest.self,
            RegisterCapabilityRequest.Parameters(registrations: [registration])
        ) { [logger] answer in
            if case .failure(let error) = answer {
                logger.warning("The client does not register \(method): \(error.message)")
            }
        }
    }
}
