import Foundation
import Gallery
import Testing

extension WholeSystem {
    /// The first thing that a newcomer runs.
    @Suite(.serialized) struct DemoTests {
        @Test func demo() async throws {
            let folder = FileManager.default.temporaryDirectory.appendingPathComponent("demo-\(UUID())")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            var environment = Command.environment
            environment["TMPDIR"] = folder.path
            let result = try await Command.run(
                Checkout.hindsight.path, ["demo"], in: folder, environment: environment)
            #expect(result.status == 0, "\(result.text)\(result.errorText)")
            #expect(result.text.contains("print(\"gradient norm\", math.hypot(*gradient))"), "\(result.text)")
            #expect(result.text.contains("2000 values were replayed"), "\(result.text)")
            #expect(result.text.contains("Verdict: 2000 exact."), "\(result.text)")
            #expect(!result.text.contains("\u{1B}"), "no escape sequences where there is no terminal")
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == [])
        }

        @Test func withoutPython() async throws {
            let result = try await Command.run(
                Checkout.hindsight.path, ["demo", "--python", "no-such-python"])
            #expect(result.status == 1)
            #expect(result.errorText.contains("no-such-python"))
        }
    }
}
