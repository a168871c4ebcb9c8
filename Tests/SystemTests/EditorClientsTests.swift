import Foundation
import Gallery
import Testing

extension WholeSystem {
    /// Real editors, as Debian ships them, with the set-ups in `editors/`: the values must be found in the
    /// editor's own state.
    @Suite(.serialized) struct EditorClientsTests {
        struct Seen: Decodable {
            var typed: Bool
            var line: Int?
            var text: String?
            var diagnostics: [String]?
            var hover: String?
            var problem: String?
        }

        private static let scripts = Checkout.systemTests.appendingPathComponent("Editors").path
        private static let editors = Checkout.root.appendingPathComponent("editors").path

        @Test func neovim() async throws {
            guard let neovim = Command.find("nvim") else {
                return WholeSystem.skipped("Neovim is not installed")
            }
            try await session(setUp: "neovim") { project in
                (
                    neovim,
                    [
                        "--headless", "-n", "-i", "NONE", "-u", "\(Self.scripts)/neovim_init.lua",
                        project.path(SmallProgram.file), "-c", "luafile \(Self.scripts)/neovim_session.lua",
                    ]
                )
            }
        }

        @Test func emacs() async throws {
            guard let emacs = Command.find("emacs") else {
                return WholeSystem.skipped("Emacs is not installed")
            }
            let hasEglot = try await Command.run(
                emacs, ["--batch", "-f", "package-initialize", "-l", "eglot"])
            guard hasEglot.status == 0 else { return WholeSystem.skipped("Emacs has no Eglot") }
            try await session(setUp: "emacs") { _ in
                (
                    emacs,
                    [
                        "--batch", "-l", "\(Self.scripts)/emacs_init.el",
                        "-l", "\(Self.scripts)/emacs_session.el",
                    ]
                )
            }
        }

        private func session(
            setUp: String, start: (Project) -> (executable: String, arguments: [String])
        ) async throws {
            let project = try await SmallProgram.makeRecordedProject()
            defer { project.remove() }
            let foresight = try await SmallProgram.foresight(SmallProgram.outerProbe)
            let last = try #require(foresight.last)
            let insertion = SmallProgram.outerProbe.insertions[0]
            let resultFile = project.folder.deletingLastPathComponent().appendingPathComponent("seen.json")

            var environment = Command.environment
            environment["HOME"] = project.folder.deletingLastPathComponent().path
            environment["TEST_SETUP"] = "\(Self.editors)/\(setUp)"
            environment["TEST_SERVER"] = Checkout.hindsight.path
            environment["TEST_FILE"] = project.path(SmallProgram.file)
            environment["TEST_ANCHOR"] = insertion.anchor
            environment["TEST_TEXT"] = insertion.lines[0]
            environment["TEST_EXPECTED"] = last
            environment["TEST_RESULT"] = resultFile.path
            let (executable, arguments) = start(project)
            let before = try project.contents()
            let ended = try await Command.run(
                executable, arguments, in: project.folder, environment: environment)
            #expect(ended.status == 0, "\(ended.errorText)")
            #expect(try project.contents() == before)

            let data = try #require(try? Data(contentsOf: resultFile), "\(ended.text)\n\(ended.errorText)")
            let seen = try JSONDecoder().decode(Seen.self, from: data)
            #expect(seen.problem == nil)
            #expect(seen.typed)
            #expect(seen.text == insertion.lines[0])
            let messages = seen.diagnostics ?? []
            #expect(
                messages.contains { $0.contains(last) }, "expected \(last) in \(messages)\n\(ended.errorText)"
            )
            #expect(seen.hover?.contains(last) == true, "hover: \(seen.hover ?? "none")")
            #expect(seen.hover?.contains("exact") == true, "hover: \(seen.hover ?? "none")")
            print("\(setUp) shows: \(messages)\n\(seen.hover ?? "")")
        }
    }
}
