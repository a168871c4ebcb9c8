import Foundation

/// The interpreters that a program would be recorded with.
enum PythonExamination {
    private struct Answer: Decodable {
        var version: [Int]
        var ctypes: Bool
    }

    /// Run isolated: nothing of the user's project or site is imported.
    private static let question = """
        import json, sys
        try:
            import ctypes
        except ImportError:
            ctypes = None
        print(json.dumps({"version": list(sys.version_info[:3]), "ctypes": ctypes is not None}))
        """

    static func findings() -> [Finding] {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        let found = ["python", "python3"].compactMap { name in
            path.split(separator: ":").map { "\($0)/\(name)" }
                .first { FileManager.default.isExecutableFile(atPath: $0) }
        }
        guard !found.isEmpty else {
            return [
                Finding(
                    .problem, "python", "no python or python3 on PATH",
                    advice: "install Python 3.9 or later (Debian: apt install python3)")
            ]
        }
        return found.map(examine)
    }

    static func examine(_ interpreter: String) -> Finding {
        guard let answer = ask(interpreter) else {
            return Finding(
                .problem, "python", "\(interpreter) does not run",
                advice: "repair or remove it, so that another one is found on PATH")
        }
        let version = answer.version.map(String.init).joined(separator: ".")
        guard !answer.version.lexicographicallyPrecedes([3, 9]) else {
            return Finding(
                .problem, "python", "\(interpreter) is Python \(version)",
                advice: "record with Python 3.9 or later")
        }
        guard answer.ctypes else {
            return Finding(
                .warn, "python", "\(interpreter) is Python \(version) without ctypes",
                advice: "some library state cannot be captured without it; install libffi and rebuild Python")
        }
        return Finding(.ok, "python", "\(interpreter) is Python \(version)")
    }

    private static func ask(_ interpreter: String) -> Answer? {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: interpreter)
        process.arguments = ["-I", "-c", question]
        let output = Pipe()
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return nil }
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { return nil }
        return try? JSONDecoder().decode(Answer.self, from: data)
    }
}
