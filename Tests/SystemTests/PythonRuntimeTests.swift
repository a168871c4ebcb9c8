import Foundation
import Gallery
import Testing

extension WholeSystem {
    /// Runs the Python side's own unit tests, with every Python that this machine has.
    @Suite(.serialized) struct PythonRuntimeTests {
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

        /// Every module of tests in a process of its own, as many at a time as there are processors.
        private func run(_ python: String) async throws {
            let folder = Checkout.python.appendingPathComponent("tests")
            var modules = try FileManager.default.contentsOfDirectory(atPath: folder.path)
                .filter { $0.hasPrefix("test_") && $0.hasSuffix(".py") }
                .map { "tests.\($0.dropLast(3))" }.sorted()
            #expect(!modules.isEmpty)
            var environment = Command.environment
            environment["PYTHONDONTWRITEBYTECODE"] = "1"
            try await withThrowingTaskGroup(of: (String, Command.Result).self) { [environment] group in
                func startOne() {
                    guard let module = modules.popLast() else { return }
                    group.addTask {
                        let result = try await Command.run(
                            python, ["-m", "unittest", module], in: Checkout.python, environment: environment)
                        return (module, result)
                    }
                }
                for _ in 0..<ProcessInfo.processInfo.activeProcessorCount { startOne() }
                while let (module, result) = try await group.next() {
                    #expect(result.status == 0, "\(module): \(result.errorText.suffix(6000))")
                    startOne()
                }
            }
        }
    }
}
