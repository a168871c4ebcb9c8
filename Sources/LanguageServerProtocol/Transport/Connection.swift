import Foundation

/// One client: reads its messages, keeps the protocol's lifecycle and the promise of one response to each
/// request, and hands the rest to the server in order.
///
/// A cancellation overtakes: it is noted when it is read, not when its turn comes.
public final class Connection: Sendable {
    /// Why the session is over.
    public enum End: Sendable, Equatable {
        /// `exit` after `shutdown`, or before.
        case exit(afterShutdown: Bool)
        /// The client closed its end.
        case endOfInput(afterShutdown: Bool)

        /// The process' exit code as the protocol defines it.
        public var exitCode: Int32 {
            switch self {
            case .exit(let afterShutdown), .endOfInput(let afterShutdown): afterShutdown ? 0 : 1
            }
        }
    }

    private enum Phase { case uninitialized, running, shutDown, ended }

    private struct State {
        var phase = Phase.uninitialized
        /// Requests without a response, and whether the client has taken them back.
        var open: [RequestID: Bool] = [:]
        var sentCount = 0
        var sent: [RequestID: @Sendable (Data) -> Void] = [:]
    }

    private let reader: MessageReader
    private let writer: MessageWriter
    private let thread: HandlerThread
    private let reporter: @Sendable (String) -> Void
    private let lock = NSLock()
    /// Safe: only touched while `lock` is held.
    private nonisolated(unsafe) var state = State()

    /// `report` takes sentences about what the client did wrong where no response can say it.
    public init(
        input: Int32, output: Int32, thread: HandlerThread, sizeLimit: Int = 256 << 20,
        report: @escaping @Sendable (String) -> Void
    ) {
        reader = MessageReader(descriptor: input, sizeLimit: sizeLimit)
        writer = MessageWriter(descriptor: output)
        self.thread = thread
        reporter = report
    }

    /// Starts to read. `onEnd` is called once, on the handler thread, after everything that came before.
    public func start<Server: Actor>(
        server: Server, router: Router<Server>, onEnd: @escaping @Sendable (End) -> Void
    ) {
        reader.start(
            onItem: { [self] item in receive(item, server: server, router: router, onEnd: onEnd) },
            onEnd: { [self] in
                thread.perform { [self] in
                    end(onEnd) { .endOfInput(afterShutdown: $0) }
                }
            })
    }

    /// Sends a notification.
    public func notify<M: NotificationMessage>(_ message: M.Type, _ parameters: M.Parameters) {
        write(OutgoingNotification(method: M.method, params: parameters))
    }

    /// Sends a request; the answer comes on the handler thread.
    public func request<M: RequestMessage>(
        _ message: M.Type, _ parameters: M.Parameters,
        _ answer: @escaping @Sendable (Result<M.Result, ResponseError>) -> Void
    ) {
        let id = lock.withLock {
            state.sentCount += 1
            let id = RequestID.string("hindsight-\(state.sentCount)")
            state.sent[id] = { data in
                do {
                    answer(try JSONDecoder().decode(ResultOf<M.Result>.self, from: data).result)
                } catch {
                    answer(
                        .failure(
                            ResponseError(.invalidParams, "The client's answer cannot be read: \(error)")))
                }
            }
            return id
        }
        write(OutgoingRequest(id: id, method: M.method, params: parameters))
    }

    /// Writes out what is queued before the process ends.
    public func close() { writer.close(patience: 1) }

    func report(_ sentence: String) { reporter(sentence) }

    // MARK: - Responses

    /// Notes that a request is answered; false where it already was.
    func settle(_ id: RequestID) -> Bool { lock.withLock { state.open.removeValue(forKey: id) != nil } }

    func isCancelled(_ id: RequestID) -> Bool { lock.withLock { state.open[id] ?? false } }

    /// Whether the message could be written as JSON.
    @discardableResult
    func write(_ message: some Encodable) -> Bool {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        do {
            write(try encoder.encode(message))
            return true
        } catch {
            report("A message could not be written as JSON: \(error)")
            return false
        }
    }

    func write(_ body: Data) { writer.write(body) }

    // MARK: - Reading, on the reader's thread

    private func receive<Server: Actor>(
        _ item: MessageParser.Item, server: Server, router: Router<Server>,
        onEnd: @escaping @Sendable (End) -> Void
    ) {
        let body: Data
        switch item {
        case .malformed(let reason):
            refuse(nil, .parseError, reason)
            return
        case .message(let bytes): body = Data(bytes)
        }
        let envelope: Envelope
        do {
            envelope = try JSONDecoder().decode(Envelope.self, from: body)
        } catch DecodingError.typeMismatch {
            refuse(nil, .invalidRequest, "A message must be a JSON object.")
            return
        } catch {
            refuse(nil, .parseError, "A message is not valid JSON.")
            return
        }
        switch envelope.kind {
        case .invalid(let id, let reason): refuse(id, .invalidRequest, reason)
        case .anonymousError: report("The client reports an error about a message it could not read.")
        case .response(let id, _):
            guard let answer = lock.withLock({ state.sent.removeValue(forKey: id) }) else {
                report("The client answered a request that was not sent.")
                return
            }
            thread.perform { answer(body) }
        case .notification(CancelRequest.method):
            if let cancelled = try? JSONDecoder().decode(
                ParametersOf<CancelRequest.Parameters>.self, from: body)
            {
                lock.withLock {
                    if state.open[cancelled.params.id] != nil { state.open[cancelled.params.id] = true }
                }
            }
        case .notification(let method):
            thread.perform { [self] in
                handleNotification(method, body, server: server, router: router, onEnd: onEnd)
            }
        case .request(let id, let method):
            let isNew = lock.withLock {
                guard state.open[id] == nil else { return false }
                state.open[id] = false
                return true
            }
            guard isNew else {
                refuse(id, .invalidRequest, "A request with this id is still open.")
                return
            }
            thread.perform { [self] in handleRequest(id, method, body, server: server, router: router) }
        }
    }

    private func refuse(_ id: RequestID?, _ code: ResponseError.Code, _ reason: String) {
        report(reason)
        write(OutgoingError(id: id, error: ResponseError(code, reason)))
    }

    // MARK: - Handling, on the handler thread

    private func handleRequest<Server: Actor>(
        _ id: RequestID, _ method: String, _ body: Data, server: Server, router: Router<Server>
    ) {
        guard !isCancelled(id) else { return fail(id, .cancelled) }
        let phase = lock.withLock { state.phase }
        switch phase {
        case .uninitialized where method != InitializeRequest.method:
            return fail(id, ResponseError(.serverNotInitialized, "The first request must be `initialize`."))
        case .running where method == InitializeRequest.method:
            return fail(id, ResponseError(.invalidRequest, "`initialize` was already sent."))
        case .shutDown, .ended:
            return fail(id, ResponseError(.invalidRequest, "The server has been shut down."))
        default: break
        }
        if method == ShutdownRequest.method { lock.withLock { state.phase = .shutDown } }
        guard let handler = router.requests[method] else {
            return fail(id, ResponseError(.methodNotFound, "There is no method `\(method)`."))
        }
        if handler(server, id, body, self), phase == .uninitialized {
            lock.withLock { state.phase = .running }
        }
    }

    private func handleNotification<Server: Actor>(
        _ method: String, _ body: Data, server: Server, router: Router<Server>, onEnd: @Sendable (End) -> Void
    ) {
        if method == ExitNotification.method { return end(onEnd) { .exit(afterShutdown: $0) } }
        guard lock.withLock({ state.phase }) == .running else { return }
        if let handler = router.notifications[method] {
            handler(server, body, self)
        } else if !method.hasPrefix("$/") {
            report("The notification `\(method)` is not known here.")
        }
    }

    private func end(_ onEnd: (End) -> Void, _ make: (Bool) -> End) {
        let phase = lock.withLock {
            defer { state.phase = .ended }
            return state.phase
        }
        guard phase != .ended else { return }
        onEnd(make(phase == .shutDown))
    }

    private func fail(_ id: RequestID, _ error: ResponseError) {
        guard settle(id) else { return }
        write(OutgoingError(id: id, error: error))
    }
}
