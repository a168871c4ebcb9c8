import Foundation
import Gallery
import Testing

extension WholeSystem {
    /// The tests' own ground: probes that type in cleanly, and a truth that is the same each time.
    @Suite(.serialized) struct ForesightTests {
        @Test(arguments: WholeSystem.OracleTests.Case.all)
        func everyProbeFindsItsPlace(case one: WholeSystem.OracleTests.Case) throws {
            let project = try one.program.makeProject()
            defer { project.remove() }
            for file in one.probe.files {
                let (text, lines) = try one.probe.edited(project.read(file), file: file)
                #expect(!lines.isEmpty)
                #expect(text != (try project.read(file)))
            }
        }

        @Test(arguments: TrainingProgram.all)
        func probesStandBeforeWithinAndAfterTheLoops(program: TrainingProgram) {
            let levels = Set(program.probes.map(\.level))
            #expect(levels.isSuperset(of: [.before, .after]))
            #expect(!levels.isDisjoint(with: [.outer, .inner, .module]))
            #expect(Set(program.probes.map(\.name)).count == program.probes.count)
            #expect(program.probes.contains { $0.name == program.picture.probe })
        }

        @Test(arguments: TrainingProgram.digits)
        func foresightIsTheSameEachTime(program: TrainingProgram) async throws {
            let probe = program.probe("gradient_norm")
            let first = try await program.foresight([probe])
            let second = try await program.foresight([probe])
            #expect(first == second)
            #expect(!first.isEmpty)
        }
    }
}
