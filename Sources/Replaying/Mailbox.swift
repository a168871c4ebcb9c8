import Foundation

/// What threads tell another one, in the order in which it was put in.
final class Mailbox<Message: Sendable>: @unchecked Sendable {
    /// Guards `messages`, which makes sharing it safe.
    private let condition = NSCondition()
    private var messages: [Message] = []

    func put(_ message: Message) {
        condition.lock()
        messages.append(message)
        condition.signal()
        condition.unlock()
    }

    /// All that has come; empty where nothing did for so long.
    func take(timeout: Double) -> [Message] {
        condition.lock()
        defer { condition.unlock() }
        let deadline = Date(timeIntervalSinceNow: timeout)
        while messages.isEmpty, condition.wait(until: deadline) {}
        defer { messages.removeAll(keepingCapacity: true) }
        return messages
    }
}
