import Foundation
import HindsightCore
import LanguageServerProtocol
import Testing

@testable import EditorServer

@Suite struct RecordedValuesTests {
    @Test func valuesShowWithoutAnyReplay() async throws {
        let session = try await Session()
        session.open(FakeServices.source)
        let values = try await session.completeValues()
        #expect(values["version"] == 1)
        let hits = values["hits"]?.arrayValue ?? []
        #expect(
            hits.map { $0["text"]?.stringValue } == [
                "loss 1.0", "loss 0.5", "loss 0.3333333333333333", "done",
            ])
        #expect(hits.first?["line"] == 5)
        #expect(hits.first?["source"] == "recorded")
        #expect(hits.first?["verdict"] == "exact")
        #expect(hits.first?["verified"] == true)
        #expect(hits.first?["iteration"]?[0]?["loop"] == "epoch")
        #expect(try await session.hints() == ["loss 0.3333 █▃▁ ×3", "done"])
        #expect(session.services.archive?.replayCount == 0)
        let hover = try #require(try await session.hover(line: 4))
        #expect(hover.contains("0.3333333333333333"))
        #expect(hover.contains("| hits |"))
        #expect(hover.contains("█"))
        #expect(try await session.hover(line: 1) == nil)
        session.end()
    }

    @Test func diagnosticsCarryTheLastValueWhole() async throws {
        for (client, severity) in [(Session.inlayHintClient, 4), (JSONValue.object([:]), 3)] {
            let session = try await Session(capabilities: client)
            session.open(FakeServices.source)
            _ = try await session.eventually("two diagnostics") {
                session.diagnostics.count == 2 ? true : nil
            }
            #expect(session.diagnosticMessages[0].hasPrefix("loss 0.3333333333333333 (last of 3"))
            #expect(session.diagnostics.allSatisfy { $0["severity"]?.integerValue == severity })
            let published = session.received("textDocument/publishDiagnostics").last
            #expect(published?["params"]?["version"] == 1)
            session.end()
        }
    }

    @Test func aSettingOverridesTheSeverity() async throws {
        let session = try await Session(options: ["hindsight": ["diagnostics": "information"]])
        session.open(FakeServices.source)
        _ = try await session.completeValues()
        _ = try await session.eventually("diagnostics") {
            session.diagnostics.first?["severity"] == 3 ? true : nil
        }
        session.notify(
            "workspace/didChangeConfiguration", ["settings": ["hindsight": ["diagnostics": "off"]]])
        _ = try await session.eventually("no diagnostics") { session.diagnostics.isEmpty ? true : nil }
        session.end()
    }

    @Test func aRemovedStatementHasNoValuesAtOnce() async throws {
        let session = try await Session()
        session.open(FakeServices.source)
        _ = try await session.completeValues()
        session.replace("    print(\"loss\", loss)\n", with: "")
        let values = try await session.values()
        #expect(values["version"] == 2)
        #expect(values["hits"]?.arrayValue?.map { $0["text"]?.stringValue } == ["done"])
        #expect(try await session.hints() == ["done"])
        let complete = try await session.completeValues()
        #expect(complete["hits"]?.arrayValue?.first?["line"] == 5)
        session.end()
    }

    @Test func aCommentedStatementHasNoValuesAtOnce() async throws {
        let session = try await Session()
        session.open(FakeServices.source)
        _ = try await session.completeValues()
        session.replace("    print(\"loss\"", with: "    # print(\"loss\"")
        #expect(try await session.texts() == ["done"])
        session.end()
    }

    @Test func statementsMoveWithTheTextBeforeAnyAnalysis() async throws {
        let session = try await Session()
        session.open(FakeServices.source)
        _ = try await session.completeValues()
        session.replace("import math\n", with: "import math\nimport sys\n# (((\n")
        let values = try await session.values()
        #expect(values["complete"] == false)
        #expect(values["hits"]?.arrayValue?.map { $0["line"]?.integerValue } == [7, 7, 7, 8])
        let archive = session.services.archive!
        _ = try await session.eventually("an analysis") { archive.analysisCount > 1 ? true : nil }
        // It does not parse: nothing changes, and it is not complete.
        #expect(try await session.values() == values)
        #expect(try await session.hints().count == 2)
        session.end()
    }

    @Test func aFileThatNoRunLoadedShowsNothing() async throws {
        for services in [FakeServices(archive: nil), FakeServices()] {
            let session = try await Session(services: services)
            let other = JSONValue.string(DocumentURI(path: services.root + "/other.py").description)
            session.notify(
                "textDocument/didOpen",
                ["textDocument": ["uri": other, "languageId": "python", "version": 1, "text": "print(1)\n"]])
            let values = try await session.eventually("an answer") {
                let values = try await session.request("hindsight/values", ["textDocument": ["uri": other]])
                return values["complete"] == true ? values : nil
            }
            #expect(values["hits"] == [])
            #expect(session.received("textDocument/publishDiagnostics").isEmpty)
            #expect(services.archive?.analysisCount ?? 0 == 0)
            session.end()
        }
    }

    @Test func untitledAndNotebookDocumentsAreTolerated() async throws {
        let session = try await Session()
        for uri in ["untitled:Untitled-1", "vscode-notebook-cell:/x.ipynb#abc"] {
            session.notify(
                "textDocument/didOpen",
                [
                    "textDocument": [
                        "uri": .string(uri), "languageId": "python", "version": 1, "text": "print(1)",
                    ]
                ])
            let values = try await session.request(
                "hindsight/values", ["textDocument": ["uri": .string(uri)]])
            #expect(values["complete"] == true)
            #expect(values["hits"] == [])
        }
        session.end()
    }

    @Test func aNewRunTakesOver() async throws {
        let session = try await Session()
        session.open(FakeServices.source)
        _ = try await session.completeValues()
        session.services.archive!.recordAnother("beef")
        session.notify(
            "workspace/didChangeWatchedFiles",
            ["changes": [["uri": .string("file://\(session.root)/.hindsight/index.sqlite"), "type": 2]]])
        _ = try await session.eventually("the new run") {
            try await session.values()["hits"]?[0]?["run"] == "beef" ? true : nil
        }
        session.end()
    }

    @Test func aRunInProgressIsFollowed() async throws {
        let services = FakeServices()
        services.archive!.recordAnother("live", status: .running)
        let session = try await Session(services: services)
        session.open(FakeServices.source)
        _ = try await session.completeValues()
        services.archive!.append(
            LogRecord(
                site: "train.py:6:0", text: "again", name: nil, value: .null, iterations: [],
                order: OrderKey([5])))
        _ = try await session.eventually("the new record") {
            try await session.texts().last == "again" ? true : nil
        }
        session.end()
    }

    @Test func theFirstNonFiniteValueIsAWarning() async throws {
        let services = FakeServices()
        services.archive!.setRecords(
            ["1.5", "nan", "inf"].enumerated().map { index, text in
                LogRecord(
                    site: "train.py:5:4", text: "loss \(text)", name: nil, value: .null,
                    iterations: [Iteration(loop: "epoch", index: index, value: .integer(index))],
                    order: OrderKey([1, index, 1]))
            })
        let session = try await Session(services: services)
        session.open(FakeServices.source)
        let warning = try await session.eventually("a warning") {
            session.diagnostics.first { $0["severity"] == 2 }
        }
        #expect(warning["message"] == "First NaN or infinity at epoch=1: loss nan")
        #expect(warning["code"] == "non-finite")
        session.end()
    }

    @Test func aChangedTrainingIsAHint() async throws {
        let session = try await Session()
        session.open(FakeServices.source)
        _ = try await session.completeValues()
        session.replace("import math\n", with: "learning_rate = 2\n")
        let hint = try await session.eventually("a hint") {
            session.diagnostics.first { $0["code"] == "changed" }
        }
        #expect(hint["severity"] == 4)
        session.end()
    }

    @Test func anAnalysisThatFailsIsSaidOnce() async throws {
        let services = FakeServices()
        services.archive!.matchError = "The interpreter is gone."
        let session = try await Session(services: services)
        session.open(FakeServices.source)
        let message = try await session.wait("a message") {
            $0.first { $0["method"]?.stringValue == "window/showMessage" }
        }
        #expect(message["params"]?["message"]?.stringValue?.contains("The interpreter is gone.") == true)
        session.replace("import math", with: "import  math")
        _ = try await session.eventually("another analysis") {
            services.archive!.analysisCount > 1 ? true : nil
        }
        #expect(session.received("window/showMessage").count == 1)
        #expect(try await session.values()["problem"]?.stringValue == "The interpreter is gone.")
        // What was recorded shows all the same.
        #expect(try await session.texts().count == 4)
        session.end()
    }
}
