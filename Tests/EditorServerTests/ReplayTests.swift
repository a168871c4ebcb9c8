import Foundation
import HindsightCore
import LanguageServerProtocol
import Testing

@testable import EditorServer

@Suite struct ReplayTests {
    private static let probe = "    print(\"gnorm\", loss)\n"

    /// A session in which a probe was typed and its replay has begun.
    private func replaying(
        capabilities: JSONValue = Session.inlayHintClient, options: JSONValue = .null
    ) async throws -> (Session, FakeArchive) {
        let session = try await Session(capabilities: capabilities, options: options)
        session.open(FakeServices.source)
        _ = try await session.completeValues()
        session.replace("    print(\"loss\"", with: Self.probe + "    print(\"loss\"")
        let archive = session.services.archive!
        if options == .null {
            _ = try await session.eventually("a replay") { archive.replayCount == 1 ? true : nil }
        }
        return (session, archive)
    }

    private func replayed(_ session: Session) async throws -> [String] {
        (try await session.values()["hits"]?.arrayValue ?? []).filter { $0["source"] == "replayed" }
            .compactMap { $0["text"]?.stringValue }
    }

    @Test func valuesArriveInTheRunsOrder() async throws {
        let (session, archive) = try await replaying()
        archive.yield(.began(seconds: 2))
        archive.yield(.hits([archive.hit(2, "gnorm 3.5", .provisional("not checked yet"))]))
        _ = try await session.eventually("the last value") {
            try await replayed(session) == ["gnorm 3.5"] ? true : nil
        }
        #expect(try await session.values()["complete"] == false)
        #expect(try await session.hints()[0] == "gnorm 3.5 ~…")
        archive.yield(.hits([archive.hit(0, "gnorm 1.5"), archive.hit(1, "gnorm 2.5")]))
        archive.yield(
            .verdicts([
                VerdictUpdate(order: OrderKey([1, 2, 0, 0]), file: "train.py", line: 5, verdict: .exact)
            ]))
        archive.yield(.finished)
        let values = try await session.completeValues()
        let hits = values["hits"]?.arrayValue ?? []
        #expect(
            hits.map { $0["text"]?.stringValue } == [
                "gnorm 1.5", "loss 1.0", "gnorm 2.5", "loss 0.5", "gnorm 3.5", "loss 0.3333333333333333",
                "done",
            ])
        #expect(hits.allSatisfy { $0["verdict"] == "exact" })
        #expect(hits[0]["line"] == 5)
        #expect(hits[1]["line"] == 6)
        #expect(try await session.hints()[0] == "gnorm 3.5 ▁▅█ ×3 ✓")
        session.end()
    }

    @Test func takingTheProbeBackAndTypingItAgainAnswersFromMemory() async throws {
        let (session, archive) = try await replaying()
        archive.yield(.hits([archive.hit(0, "gnorm 1")]))
        archive.yield(.finished)
        _ = try await session.completeValues()
        session.replace(Self.probe, with: "")
        #expect(try await replayed(session).isEmpty)
        _ = try await session.completeValues()
        session.replace("    loss = ", with: "    print(\"gnorm\", loss)\n    loss = ")
        _ = try await session.completeValues()
        #expect(try await replayed(session) == ["gnorm 1"])
        #expect(archive.replayCount == 1)
        session.end()
    }

    @Test func anEditElsewhereKeepsTheReplay() async throws {
        let (session, archive) = try await replaying()
        archive.yield(.hits([archive.hit(0, "gnorm 1")]))
        _ = try await session.eventually("a value") { try await replayed(session).count == 1 ? true : nil }
        archive.holdsAnalyses = true
        session.replace("import math\n", with: "import math\n# a remark\n")
        // Until the analysis has seen the new text, no value of the old one is given.
        #expect(try await replayed(session).isEmpty)
        #expect(try await session.hints().count == 3)
        archive.holdsAnalyses = false
        _ = try await session.eventually("the value again") {
            try await replayed(session).count == 1 ? true : nil
        }
        archive.yield(.finished)
        let values = try await session.completeValues()
        #expect(values["hits"]?[0]?["line"] == 6)
        #expect(archive.replayCount == 1)
        #expect(archive.cancelledCount == 0)
        session.end()
    }

    @Test func anotherProbeSupersedesTheReplay() async throws {
        let (session, archive) = try await replaying()
        session.replace("\"gnorm\", loss", with: "\"other\", loss")
        _ = try await session.eventually("another replay") { archive.replayCount == 2 ? true : nil }
        _ = try await session.eventually("a cancelled replay") { archive.cancelledCount == 1 ? true : nil }
        archive.yield(.hits([archive.hit(0, "other 1")]))
        archive.yield(.finished)
        _ = try await session.completeValues()
        #expect(try await replayed(session) == ["other 1"])
        session.end()
    }

    @Test func aSecondProbeLeavesTheFirstAlone() async throws {
        let (session, archive) = try await replaying()
        archive.yield(.hits([archive.hit(0, "gnorm 1")]))
        _ = try await session.eventually("a value") { try await replayed(session).count == 1 ? true : nil }
        session.replace(Self.probe, with: Self.probe + "    print(\"more\", loss)\n")
        _ = try await session.eventually("another replay") { archive.replayCount == 2 ? true : nil }
        #expect(archive.cancelledCount == 0)
        #expect(archive.questions[1].match.groups.map(\.key) == ["    print(\"more\", loss)"])
        archive.yield(.hits([archive.hit(0, "more 1")]))
        archive.yield(.finished)
        archive.yield(.hits([archive.hit(1, "gnorm 2", in: 0)]), in: 0)
        archive.yield(.finished, in: 0)
        let values = try await session.completeValues()
        let texts = values["hits"]?.arrayValue?.compactMap { $0["text"]?.stringValue } ?? []
        #expect(texts.prefix(5) == ["gnorm 1", "more 1", "loss 1.0", "gnorm 2", "loss 0.5"])
        #expect(archive.replayCount == 2)

        // One of them is taken back and typed again: both are still known.
        session.replace(Self.probe, with: "")
        _ = try await session.completeValues()
        #expect(try await replayed(session) == ["more 1"])
        session.replace("    print(\"more\"", with: Self.probe + "    print(\"more\"")
        _ = try await session.completeValues()
        #expect(try await replayed(session) == ["gnorm 1", "more 1", "gnorm 2"])
        #expect(archive.replayCount == 2)
        session.end()
    }

    @Test func anOrderThatCannotBeToldIsAskedFor() async throws {
        let (session, archive) = try await replaying()
        archive.yield(.hits([archive.hit(0, "gnorm 1")]))
        archive.yield(.finished)
        _ = try await session.completeValues()
        session.replace(Self.probe, with: Self.probe + "    if loss: print(\"more\", loss)\n")
        _ = try await session.eventually("another replay") { archive.replayCount == 2 ? true : nil }
        archive.yield(.hits([archive.hit(0, "more 1")]))
        archive.yield(.finished)
        _ = try await session.eventually("one replay for both") { archive.replayCount == 3 ? true : nil }
        #expect(archive.questions[2].match.groups.count == 2)
        session.end()
    }

    @Test func aTextThatDoesNotParseChangesNothing() async throws {
        let (session, archive) = try await replaying()
        archive.yield(.hits([archive.hit(0, "gnorm 1")]))
        archive.yield(.finished)
        _ = try await session.completeValues()
        let before = archive.analysisCount
        session.replace("import math\n", with: "import math\nx = (((\n")
        _ = try await session.eventually("an analysis") { archive.analysisCount > before ? true : nil }
        #expect(try await session.values()["complete"] == false)
        #expect(try await session.hints()[0].hasPrefix("gnorm 1"))
        _ = try await session.eventually("the value") {
            session.diagnosticMessages.contains { $0.hasPrefix("gnorm 1") } ? true : nil
        }
        session.replace("x = (((\n", with: "")
        _ = try await session.completeValues()
        #expect(try await replayed(session) == ["gnorm 1"])
        #expect(archive.replayCount == 1)
        session.end()
    }

    @Test func progressIsCreatedBegunAndEndedOnce() async throws {
        let (session, archive) = try await replaying()
        archive.yield(.progress(fraction: 0.5, message: "half"))
        _ = try await session.wait("the beginning") {
            $0.first { $0["params"]?["value"]?["kind"] == "begin" }
        }
        archive.yield(.progress(fraction: 0.25, message: "checking"))
        archive.yield(.finished)
        _ = try await session.wait("the end") { $0.first { $0["params"]?["value"]?["kind"] == "end" } }
        archive.yield(.progress(fraction: 1, message: "late"))
        archive.yield(.note("what came before is handled"))
        _ = try await session.wait("the note") {
            $0.first { $0["params"]?["message"] == "what came before is handled" }
        }
        let token = session.received("window/workDoneProgress/create").first?["params"]?["token"]
        let progress = session.received("$/progress").filter { $0["params"]?["token"] == token }
        #expect(progress.first?["params"]?["value"]?["cancellable"] == true)
        #expect(progress.last?["params"]?["value"]?["kind"] == "end")
        let percentages = progress.compactMap { $0["params"]?["value"]?["percentage"]?.integerValue }
        #expect(percentages == percentages.sorted())
        session.end()
    }

    @Test func progressCanBeCancelled() async throws {
        let (session, archive) = try await replaying()
        let begin = try await session.wait("the beginning") {
            $0.first { $0["params"]?["value"]?["kind"] == "begin" }
        }
        session.notify("window/workDoneProgress/cancel", ["token": begin["params"]!["token"]!])
        _ = try await session.eventually("the cancellation") { archive.cancelledCount == 1 ? true : nil }
        _ = try await session.eventually("a word about it") {
            session.diagnosticMessages.contains { $0.contains("cancelled") } ? true : nil
        }
        #expect(try await session.values()["complete"] == false)
        session.end()
    }

    @Test func aClientThatAnnouncesNothingIsAskedNothing() async throws {
        let (session, archive) = try await replaying(capabilities: .object([:]))
        // Longer than progress is held back: values are published at most every 100 ms.
        for index in 0..<4 {
            archive.yield(.hits([archive.hit(index, "gnorm \(index)")]))
            _ = try await session.eventually("the value") {
                session.diagnosticMessages.contains { $0.hasPrefix("gnorm \(index)") } ? true : nil
            }
        }
        archive.yield(.finished)
        _ = try await session.completeValues()
        #expect(session.received.allSatisfy { $0["id"] == nil || $0["method"] == nil })
        let hover = try #require(try await session.hover(line: 4))
        #expect(!hover.contains("|"))
        #expect(!hover.contains("```"))
        session.end()
    }

    @Test func byHandNothingRunsUntilAsked() async throws {
        let (session, archive) = try await replaying(options: ["hindsight.replay": "manual"])
        _ = try await session.eventually("a word about it") {
            session.diagnosticMessages.contains { $0.contains("Not replayed yet") } ? true : nil
        }
        #expect(archive.replayCount == 0)
        try await session.request(
            "workspace/executeCommand",
            ["command": "hindsight.replayLastIteration", "arguments": [session.uri]])
        #expect(archive.questions.last?.iterations == (try IterationSelection(parsing: "epoch=last")))
        try await session.request(
            "workspace/executeCommand", ["command": "hindsight.replayAll", "arguments": [session.uri]])
        #expect(archive.replayCount == 2)
        #expect(archive.questions.last?.iterations == nil)
        session.end()
    }

    @Test func everyLensIsAnActionToo() async throws {
        let (session, archive) = try await replaying()
        archive.yield(.finished)
        _ = try await session.completeValues()
        let document: JSONValue = ["uri": session.uri]
        let origin: JSONValue = ["line": 0, "character": 0]
        let lenses =
            try await session.request("textDocument/codeLens", ["textDocument": document]).arrayValue ?? []
        let actions =
            try await session.request(
                "textDocument/codeAction",
                [
                    "textDocument": document, "range": ["start": origin, "end": origin],
                    "context": ["diagnostics": []],
                ]
            ).arrayValue ?? []
        #expect(lenses.count == 4)
        #expect(lenses.map { $0["command"]?["command"] } == actions.map { $0["command"]?["command"] })
        #expect(lenses[1]["command"]?["title"] == "replay all (about 2.0 s)")
        session.end()
    }

    @Test func valuesAreExportedOutsideTheWorkTree() async throws {
        let (session, archive) = try await replaying()
        archive.yield(.hits([archive.hit(0, "gnorm \"1\", 2")]))
        archive.yield(.finished)
        _ = try await session.completeValues()
        let file = try await session.request(
            "workspace/executeCommand", ["command": "hindsight.exportValues", "arguments": [session.uri]])
        let path = try #require(file.stringValue)
        #expect(path.hasPrefix(session.root + "/.hindsight/"))
        let lines = try String(contentsOfFile: path, encoding: .utf8).components(separatedBy: "\r\n")
        #expect(lines[0] == "file,line,source,epoch,name,value,text,verdict,reason")
        #expect(lines[1] == "train.py,5,replayed,0,,,\"gnorm \"\"1\"\", 2\",exact,")
        session.end()
    }

    @Test func aFailureIsToldInWords() async throws {
        let (session, archive) = try await replaying()
        archive.yield(.failed("The interpreter /opt/python is gone. Restore it."))
        _ = try await session.wait("a message") {
            $0.first { $0["method"]?.stringValue == "window/showMessage" }
        }
        _ = try await session.eventually("a diagnostic") {
            session.diagnosticMessages.contains { $0.contains("/opt/python is gone") } ? true : nil
        }
        #expect(try await session.values()["problem"]?.stringValue?.contains("/opt/python") == true)
        session.end()
    }

    @Test func aDivergenceIsAWarningWithItsReason() async throws {
        let (session, archive) = try await replaying()
        archive.yield(.hits([archive.hit(0, "gnorm 1", .diverged("first difference: model.weight"))]))
        archive.yield(.finished)
        let warning = try await session.eventually("a warning") {
            session.diagnostics.first { $0["code"] == "diverged" }
        }
        #expect(warning["severity"] == 2)
        #expect(warning["message"]?.stringValue?.contains("first difference: model.weight") == true)
        #expect(try await session.hover(line: 4)?.contains("first difference: model.weight") == true)
        session.end()
    }

    @Test func valuesAreCompleteBeforeTheyAreChecked() async throws {
        let (session, archive) = try await replaying()
        archive.yield(.hits([archive.hit(0, "gnorm 1"), archive.hit(1, "gnorm 2")]))
        archive.yield(.complete)
        _ = try await session.completeValues()
        #expect(try await replayed(session) == ["gnorm 1", "gnorm 2"])
        #expect(try await session.hover(line: 4)?.contains("Every value is there") == true)
        archive.yield(.replaced([archive.hit(0, "gnorm 3")]))
        _ = try await session.eventually("another value") {
            session.diagnosticMessages.contains { $0.contains("gnorm 3") } ? true : nil
        }
        #expect(try await session.values()["complete"] == true)
        #expect(try await replayed(session) == ["gnorm 3"])
        session.end()
    }

    @Test func withdrawnHitsAreGone() async throws {
        let (session, archive) = try await replaying()
        archive.yield(.hits([archive.hit(0, "gnorm 1"), archive.hit(1, "gnorm 2")]))
        archive.yield(.restarted)
        archive.yield(.hits([archive.hit(0, "gnorm 7")]))
        archive.yield(.finished)
        _ = try await session.completeValues()
        #expect(try await replayed(session) == ["gnorm 7"])
        session.end()
    }
}
