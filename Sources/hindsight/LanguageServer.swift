import ArgumentParser
import EditorServer
import Foundation
import Logging

struct LanguageServer: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lsp",
        abstract: "Serve an editor over standard input and output (Language Server Protocol).",
        discussion: """
            Editors start this by themselves. Messages about the server's own work go to standard error.
            """
    )

    @Flag(help: "Accepted because many editors pass it; standard input and output are always used.")
    var stdio = false

    @Option(
        help: "How much to write to standard error: trace, debug, info, notice, warning, error, critical.",
        transform: { name in
            guard let level = Logger.Level(rawValue: name) else {
                throw ValidationError("There is no log level '\(name)'.")
            }
            return level
        })
    var logLevel = Logger.Level.warning

    @OptionGroup var store: StoreOption

    func run() async throws {
        // The protocol has the two descriptors to itself: what anything else prints goes to standard error, and
        // no process started from here inherits the connection.
        let input = try Self.take(STDIN_FILENO, replacement: open("/dev/null", O_RDONLY | O_CLOEXEC))
        let output = try Self.take(STDOUT_FILENO, replacement: dup(STDERR_FILENO))
        var logger = Logger(label: "hindsight") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = logLevel
        let code = await EditorServer.serve(
            input: input, output: output, services: StoreServices(store: store.store), logger: logger)
        // At once: at an orderly exit, libraries complain about work that is still under way.
        _exit(code)
    }

    private static func take(_ descriptor: Int32, replacement: Int32) throws -> Int32 {
        let own = fcntl(descriptor, F_DUPFD_CLOEXEC, 3)
        guard own >= 0, replacement >= 0, dup2(replacement, descriptor) >= 0 else {
            throw ValidationError("The server needs open standard input and output.")
        }
        close(replacement)
        return own
    }
}
