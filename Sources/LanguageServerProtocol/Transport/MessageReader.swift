import Foundation

/// Reads messages on a thread of its own with blocking reads: nothing that the server does delays reading,
/// so a client never blocks on a full pipe.
public final class MessageReader: Sendable {
    private let descriptor: Int32
    private let sizeLimit: Int

    public init(descriptor: Int32, sizeLimit: Int = 256 << 20) {
        self.descriptor = descriptor
        self.sizeLimit = sizeLimit
    }

    /// Starts the thread; both closures are called on it, `onEnd` last.
    public func start(
        onItem: @escaping @Sendable (MessageParser.Item) -> Void, onEnd: @escaping @Sendable () -> Void
    ) {
        let thread = Thread { [descriptor, sizeLimit] in
            var parser = MessageParser(sizeLimit: sizeLimit)
            let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
            defer { chunk.deallocate() }
            while true {
                let count = read(descriptor, chunk.baseAddress, chunk.count)
                if count < 0, errno == EINTR || errno == EAGAIN {
                    if errno == EAGAIN { usleep(1000) }
                    continue
                }
                guard count > 0 else { break }
                parser.append(UnsafeRawBufferPointer(rebasing: chunk[..<count]))
                while let item = parser.next() { onItem(item) }
            }
            onEnd()
        }
        thread.name = "message reader"
        thread.start()
    }
}
