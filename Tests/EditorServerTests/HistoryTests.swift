import HindsightCore
import LanguageServerProtocol
import Testing

@testable import EditorServer

/// Histories of what is named in the text, and narrowing by actions.
@Suite struct HistoryTests {
    private func opened(options: JSONValue = .null) async throws -> (Session, FakeArchive) {
        let session = try await Session(options: options)
        session.open(FakeServices.source)
        _ = try await session.completeValues()
        return (session, session.services.archive!)
    }

    @Test func aNameOffersItsHistoryAndShowsItWithoutTouchingTheText() async throws {
        let (session, archive) = try await opened()
        let offer = try #require(try await session.hover(line: 3, character: 5))
        #expect(offer.contains("Hindsight: show the history of loss"))
        #expect(offer.contains("run 7f3a") || offer.contains("7f3a"))
        #expect(try await session.hover(line: 3, character: 12) == nil)

        let action = try await session.actions(line: 3)["Hindsight: show the history of loss"]
        try await session.run(try #require(action))
        _ = try await session.eventually("a replay") { archive.replayCount == 1 ? true : nil }
        let asked = try #require(archive.questions[0].edited.first { $0.path == "train.py" })
        #expect(asked.text.contains("    loss = 1 / (epoch + 1)  #? loss\n"))
        archive.yield(.hits([archive.hit(0, "loss = 1.0"), archive.hit(1, "loss = 0.5")]))
        archive.yield(.finished)
        _ = try await session.eventually("a hint") {
            try await session.hints().contains { $0.hasSuffix("×2 ✓") } ? true : nil
        }
        #expect(try await session.hover(line: 3, character: 5)?.contains("0.5") == true)

        // It moves with its line, and goes where the line is edited.
        session.replace("import math\n", with: "import math\nimport os\n")
        _ = try await session.completeValues()
        #expect(archive.replayCount == 1)
        #expect(try await session.hover(line: 4, character: 5)?.contains("0.5") == true)
        #expect(
            try await session.actions(line: 4).keys.contains("Hindsight: hide the history of loss"))
        session.replace("loss = 1 /", with: "loss = 1.0 /")
        _ = try await session.completeValues()
        #expect(try await session.hover(line: 4, character: 5)?.contains("show the history") == true)
        session.end()
    }

    @Test func aHistoryIsDismissed() async throws {
        let (session, archive) = try await opened()
        try await session.run(try await session.actions(line: 3)["Hindsight: show the history of loss"])
        _ = try await session.eventually("a replay") { archive.replayCount == 1 ? true : nil }
        let before = try await session.hints().count
        try await session.run(try await session.actions(line: 3)["Hindsight: hide the history of loss"])
        _ = try await session.eventually("fewer hints") {
            try await session.hints().count < before ? true : nil
        }
        _ = try await session.eventually("the end of the replay") { archive.cancelledCount == 1 ? true : nil }
        session.end()
    }

    @Test func aHoverReplaysWhereTheUserHasSetSo() async throws {
        let (session, archive) = try await opened(options: ["hindsight": ["hover": ["replay": true]]])
        let answer = try await session.hover(line: 3, character: 5)
        #expect(answer?.contains("being replayed") == true)
        _ = try await session.eventually("a replay") { archive.replayCount == 1 ? true : nil }
        session.end()
    }

    @Test func aLoopsLineNarrowsToAnIteration() async throws {
        let (session, archive) = try await opened()
        #expect(try await session.actions(line: 2, character: 0).keys.allSatisfy { !$0.contains("only") })
        session.replace("    print(\"loss\"", with: "    print(\"new\", loss)\n    print(\"loss\"")
        _ = try await session.eventually("a replay") { archive.replayCount == 1 ? true : nil }
        let actions = try await session.actions(line: 2, character: 0)
        try await session.run(actions["Hindsight: replay only the first iteration of epoch"])
        #expect(archive.questions.last?.iterations == (try IterationSelection(parsing: "epoch=0")))
        try await session.run(actions["Hindsight: replay only the last iteration of epoch"])
        #expect(archive.questions.last?.iterations == (try IterationSelection(parsing: "epoch=last")))
        try await session.request(
            "workspace/executeCommand",
            [
                "command": "hindsight.replayIterations",
                "arguments": [session.uri, "epoch=30..40,step=0"],
            ])
        #expect(
            archive.questions.last?.iterations == (try IterationSelection(parsing: "epoch=30..40,step=0")))
        await #expect(throws: Session.Failure.self) {
            try await session.request(
                "workspace/executeCommand",
                ["command": "hindsight.replayIterations", "arguments": [session.uri, "30"]])
        }
        session.end()
    }

    @Test func aLimitThatWasReachedIsSaid() async throws {
        let (session, archive) = try await opened()
        session.replace("    print(\"loss\"", with: "    print(\"new\", loss)\n    print(\"loss\"")
        _ = try await session.eventually("a replay") { archive.replayCount == 1 ? true : nil }
        archive.yield(.hits([archive.hit(0, "new 1"), archive.hit(1, "new 2")]))
        archive.yield(.limited(file: "train.py", line: 5, count: 250))
        archive.yield(.finished)
        _ = try await session.completeValues()
        #expect(try await session.hints().first?.contains("×2 of 250") == true)
        #expect(try await session.hover(line: 4)?.contains("first 2 of 250") == true)
        session.end()
    }
}
