import Foundation
import HindsightCore
import LanguageServerProtocol
import Logging

/// The language server: one client, its documents, and the runs that recorded them.
///
/// It lives on the connection's handler thread. Whatever takes time happens elsewhere and comes back here as
/// one more turn, so no request ever waits.
public actor EditorServer {
    let thread: HandlerThread
    let connection: Connection
    let services: any ProjectServices
    let logger: Logger

    var capabilities = ClientCapabilities()
    var encoding = PositionEncoding.utf16
    var settings = ServerSettings()
    var documents: [DocumentURI: OpenDocument] = [:]
    /// By the store's directory.
    var projects: [String: Project] = [:]
    /// Projects that were found missing or unusable, so that it is said once.
    var saidSentences: Set<String> = []
    var parentWatch: ParentWatch?
    var isShutDown = false

    /// Documents whose publishing is due, and when each was published last.
    var dueDocuments: Set<DocumentURI> = []
    var publishTimers: Set<DocumentURI> = []
    var lastPublished: [DocumentURI: ContinuousClock.Instant] = [:]
    var awaitsHintRefresh = false
    var needsHintRefresh = false
    var needsLensRefresh = false
    var progressReports: [RequestID: ProgressReport] = [:]
    var progressCount = 0
    var watchesStores = false
    /// How long typing must pause before sources are analyzed.
    let analysisDelay: Duration
    private let onEnd: @Sendable (Int32) -> Void

    public nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    private init(
        connection: Connection, thread: HandlerThread, services: any ProjectServices, logger: Logger,
        analysisDelay: Duration, onEnd: @escaping @Sendable (Int32) -> Void
    ) {
        self.connection = connection
        self.thread = thread
        self.services = services
        self.logger = logger
        self.analysisDelay = analysisDelay
        self.onEnd = onEnd
    }

    /// Serves one client until it leaves, and returns the exit code that the protocol asks for.
    public static func serve(
        input: Int32, output: Int32, services: any ProjectServices, logger: Logger,
        analysisDelay: Duration = .milliseconds(50)
    ) async -> Int32 {
        await withCheckedContinuation { continuation in
            let thread = HandlerThread(name: "handler")
            let connection = Connection(input: input, output: output, thread: thread) { sentence in
                logger.warning("\(sentence)")
            }
            let server = EditorServer(
                connection: connection, thread: thread, services: services, logger: logger,
                analysisDelay: analysisDelay
            ) { continuation.resume(returning: $0) }
            connection.start(server: server, router: router) { end in
                server.assumeIsolated { $0.end(exitCode: end.exitCode) }
            }
        }
    }

    private var hasEnded = false

    /// Stops everything that was started. Called once, whatever ends the session.
    func end(exitCode: Int32) {
        guard !hasEnded else { return }
        hasEnded = true
        stopAllReplays()
        connection.close()
        onEnd(exitCode)
    }

    func stopAllReplays() {
        for inquiry in allSessions.flatMap(\.inquiries) { inquiry.stop() }
    }

    // MARK: - Words to the user

    /// A message that interrupts; the same one only once.
    func say(_ sentence: String, type: MessageType = .warning) {
        guard saidSentences.insert(sentence).inserted else { return }
        logger.warning("\(sentence)")
        connection.notify(ShowMessageNotification.self, WindowMessage(type: type, message: sentence))
    }

    /// A line in the client's log.
    func log(_ sentence: String, type: MessageType = .log) {
        logger.info("\(sentence)")
        connection.notify(LogMessageNotification.self, WindowMessage(type: type, message: sentence))
    }
}
