import LanguageServerProtocol

extension EditorServer {
    /// Every message that the server understands.
    static var router: Router<EditorServer> {
        var router = Router<EditorServer>()
        router.request(InitializeRequest.self) { server, parameters, reply in
            reply(server.initialize(parameters))
        }
        router.notification(InitializedNotification.self) { server, _ in server.initialized() }
        router.request(ShutdownRequest.self) { server, _, reply in
            server.isShutDown = true
            server.stopAllReplays()
            reply(Nothing())
        }
        router.notification(SetTraceNotification.self) { _, _ in }

        router.notification(DidOpenNotification.self) { server, parameters in server.open(parameters) }
        router.notification(DidChangeNotification.self) { server, parameters in server.change(parameters) }
        router.notification(DidSaveNotification.self) { server, parameters in server.save(parameters) }
        router.notification(DidCloseNotification.self) { server, parameters in server.close(parameters) }

        router.request(InlayHintRequest.self) { server, parameters, reply in
            reply(server.inlayHints(parameters))
        }
        router.request(HoverRequest.self) { server, parameters, reply in server.hover(parameters, reply) }
        router.request(CodeLensRequest.self) { server, parameters, reply in
            reply(server.codeLenses(parameters))
        }
        router.request(CodeActionRequest.self) { server, parameters, reply in
            server.codeActions(parameters, reply)
        }
        router.request(ExecuteCommandRequest.self) { server, parameters, reply in
            try server.execute(parameters, reply)
        }
        router.request(ValuesRequest.self) { server, parameters, reply in server.values(parameters, reply) }

        router.notification(CancelProgressNotification.self) { server, parameters in
            server.cancelProgress(parameters.token)
        }
        router.notification(DidChangeConfigurationNotification.self) { server, parameters in
            server.configurationChanged(parameters)
        }
        router.notification(DidChangeWatchedFilesNotification.self) { server, parameters in
            server.watchedFilesChanged(parameters)
        }
        router.notification(DidChangeWorkspaceFoldersNotification.self) { _, _ in
            // Projects are found from the documents; folders decide nothing.
        }
        return router
    }
}
