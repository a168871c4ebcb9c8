import Foundation
import Gallery
import Testing

extension WholeSystem {
    /// Small random programs, recorded and asked with this executable: what it calls exact is what foresight says.
    @Suite(.serialized) struct RandomProgramsTests {
        private static let arguments = ["-m", "unittest", "tests.test_random_verdicts"]

        @Test func wrongIsNeverExact() async throws {
            let python = try await PythonEnvironment.ready().python
            var environment = Command.environment
            environment["PYTHONDONTWRITEBYTECODE"] = "1"
            environment["HINDSIGHT_EXECUTABLE"] = Checkout.hindsight.path
            let result = try await Command.run(
                python, Self.arguments, in: Checkout.python, environment: environment)
            #expect(result.status == 0, "\(result.errorText.suffix(6000))")
            #expect(!result.errorText.contains("skipped"))
            print(result.text)
        }
    }
}
