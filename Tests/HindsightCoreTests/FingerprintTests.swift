import HindsightCore
import Testing

@Suite struct FingerprintTests {
    let recorded = Fingerprint([
        "python": .string("3.11"), "library.torch": .string("2.13"), "torch.threads": .integer(2),
        "torch.cuda": .string("12.8"),
    ])

    func differences(_ change: (inout [String: Scalar]) -> Void) -> [String] {
        var facts = recorded.facts
        change(&facts)
        return Fingerprint(facts).differences(from: recorded)
    }

    @Test func equalFactsAreNoDifference() {
        #expect(differences { _ in }.isEmpty)
    }

    @Test func anotherValueIsNamed() {
        #expect(
            differences { $0["torch.threads"] = .integer(1) }
                == ["torch.threads was 2 when the run was recorded and is 1 now"])
        #expect(
            differences { $0["library.torch"] = .string("2.14") }
                == ["library.torch was 2.13 when the run was recorded and is 2.14 now"])
    }

    @Test func aFactOfOneSideIsADifference() {
        #expect(
            differences { $0["torch.cuda"] = nil }
                == ["torch.cuda was 12.8 when the run was recorded and is not set now"])
        #expect(
            differences { $0["env.OMP_NUM_THREADS"] = .string("4") }
                == ["env.OMP_NUM_THREADS is 4 now and was not set when the run was recorded"])
    }

    @Test func aLibraryThatOnlyOneSideLoadedIsNone() {
        #expect(differences { $0["library.sklearn"] = .string("1.7") }.isEmpty)
        // A replay may end before the program imports it, and so before its threads are known.
        let early = differences {
            for key in ["library.torch", "torch.threads", "torch.cuda"] { $0[key] = nil }
        }
        #expect(early.isEmpty)
    }

    @Test func valuesThatFollowEachOtherAreComparedFromTheFirst() {
        let recorded = Fingerprint(["torch.threads": .string("2, then 1")])
        func differs(_ now: Scalar) -> Bool {
            !Fingerprint(["torch.threads": now]).differences(from: recorded).isEmpty
        }
        #expect(!differs(.integer(2)))
        #expect(!differs(.string("2, then 1")))
        #expect(differs(.integer(1)))
        #expect(differs(.string("2, then 4")))
    }

    @Test func knowingNothingIsADifference() {
        #expect(!Fingerprint([:]).differences(from: recorded).isEmpty)
        #expect(!recorded.differences(from: Fingerprint([:])).isEmpty)
    }
}
