import Foundation
import LocalSockets

/// A worker's messages: read on a thread of their own, so that whoever takes them can also look at the
/// clock.
final class MessageQueue: @unchecked Sendable {
    enum Item: Sendable {
        case message(WorkerMessage)
        /// The worker closed its end.
        case closed
        case malformed(String)
    }

    /// Guards everything below, which makes sharing it safe.
    private let condition = NSCondition()
    private var items: [Item] = []
    private var taken = 0
    private var isDiscarding = false
    /// A worker that writes faster than anybody reads must wait.
    private static let limit = 20_000

    /// - Parameter prefix: what comes before the connection's first message.
    init(reading connection: LocalConnection, after prefix: [WorkerMessage] = []) {
        items = prefix.map { .message($0) }
        let thread = Thread { [self] in
            do {
                while let line = try connection.readLine() {
                    if let message = try WorkerMessage(line: line) { put(.message(message)) }
                }
                put(.closed)
            } catch let error as SocketError {
                put(.malformed(error.description))
            } catch {
                put(.malformed("\(error)"))
            }
        }
        thread.name = "hindsight worker messages"
        thread.start()
    }

    private func put(_ item: Item) {
        condition.lock()
        if case .message = item {
            while items.count - taken >= Self.limit, !isDiscarding { condition.wait() }
        }
        if !isDiscarding { items.append(item) }
        condition.broadcast()
        condition.unlock()
    }

    /// The next item; nil where none came for so long.
    func next(timeout: Double) -> Item? {
        condition.lock()
        defer { condition.unlock() }
        let deadline = Date(timeIntervalSinceNow: timeout)
        while taken == items.count {
            if !condition.wait(until: deadline), taken == items.count { return nil }
        }
        let item = items[taken]
        taken += 1
        if taken == items.count || taken > Self.limit {
            items.removeFirst(taken)
            taken = 0
        }
        if items.count - taken == Self.limit - 1 { condition.broadcast() }
        return item
    }

    /// Drops what is left and what still comes, so that the reading thread can come to the connection's end.
    func discard() {
        condition.lock()
        isDiscarding = true
        items.removeAll()
        taken = 0
        condition.broadcast()
        condition.unlock()
    }
}
