import ArgumentParser
import Foundation

@main
struct Hindsight: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hindsight",
        abstract: "Ask a past training run what it would have logged.",
        subcommands: [
            Record.self,
            Query.self,
            Runs.self,
            Show.self,
            Doctor.self,
            Demo.self,
            LanguageServer.self,
        ]
    )

    /// Exit codes: 0 fine, 1 the query or run failed, 2 usage. The parser's own are others.
    static func main() async {
        do {
            var command = try parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch let code as ExitCode {
            Foundation.exit(code.rawValue)
        } catch {
            switch exitCode(for: error) {
            case .success: exit(withError: error)
            case .validationFailure:
                StandardError.write(fullMessage(for: error))
                Foundation.exit(2)
            default:
                StandardError.write("hindsight: \(message(for: error))")
                Foundation.exit(1)
            }
        }
    }
}
