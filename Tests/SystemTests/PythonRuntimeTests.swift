import Foundation
import Gallery
import Testing

extension WholeSystem {
    /// Runs the Python side's own unit tests, with every Python that this machine has.
    @Suite(.serialized) struct PythonRuntimeTests {
        private static let arguments = ["-m", "unittest", "discover", "-s", "tests", "-t", "."]

        @Test func withThePackagesOfTheTestEnvironment() async throws {
            try await run(PythonEnvironment.ready().python)
        }

        @Test(arguments: ["python3.9", "python3.10", "python3.11", "python3.12", "python3.13", "python3.14"])
        func withTheStandardLibraryAlone(name: String) async throws {
            guard let python = Command.find(name), try await Command.run(python, ["--version"]).status == 0
            else {
                WholeSystem.skipped("there is no \(name) on this machine")
                return
            }
            try await run(python)
        }

        private func run(_ python: String) async throws {
            var environment = Command.environment
            environment["PYTHONDONTWRITEBYTECODE"] = "1"
            let result = try await Command.run(
                python, Self.arguments, in: Checkout.python, environment: environment)
            #expect(result.status == 0, "\(result.errorText.suffix(6000))")
        }
    }
}
