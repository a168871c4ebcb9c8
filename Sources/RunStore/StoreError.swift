import Foundation
import HindsightCore

/// What a store refuses or misses, as sentences for people.
public enum StoreError: Error, Equatable, CustomStringConvertible, LocalizedError {
    /// No run was recorded yet.
    case noRuns(directory: String)
    case noSuchRun(String)
    case ambiguousRun(String, [String])
    case noSuchCheckpoint(run: RunID, number: Int)
    case damagedCheckpoint(run: RunID, number: Int, reason: String)
    /// Written by a newer version of the program.
    case newerStore(directory: String)
    case cannotOpen(directory: String, reason: String)
    case diskFull(path: String)
    case cannotWrite(path: String, reason: String)
    case damagedRow(String)
    /// Not made by this user's recordings.
    case untrusted(directory: String)
    case notRegistered(String)

    public var description: String {
        switch self {
        case .noRuns(let directory):
            "no run has been recorded in \(directory); record one with: hindsight record -- python train.py"
        case .noSuchRun(let prefix):
            "there is no run \(prefix); `hindsight runs` lists those that there are"
        case .ambiguousRun(let prefix, let matches):
            "\(prefix) names more than one run: \(matches.joined(separator: ", ")); give more of its id"
        case .noSuchCheckpoint(let run, let number):
            "run \(run) has no checkpoint \(number)"
        case .damagedCheckpoint(let run, let number, let reason):
            "checkpoint \(number) of run \(run) cannot be used: \(reason)"
        case .newerStore(let directory):
            "the store \(directory) was written by a newer version of hindsight; update hindsight to read it"
        case .cannotOpen(let directory, let reason):
            "the store \(directory) cannot be opened: \(reason)"
        case .diskFull(let path):
            "no space is left to write \(path)"
        case .cannotWrite(let path, let reason):
            "\(path) cannot be written: \(reason)"
        case .damagedRow(let what):
            "the store holds something unreadable: \(what)"
        case .untrusted(let directory):
            "the store \(directory) was not made by your own recordings here, and replaying runs code that is in "
                + "it; if you trust whoever made it: hindsight doctor --trust-store --store '\(directory)'"
        case .notRegistered(let problem): problem
        }
    }

    public var errorDescription: String? { description }

    /// The failure of a system call on a file, full disks apart from other reasons.
    static func system(writing path: String, code: Int32 = errno) -> StoreError {
        switch code {
        case ENOSPC, EDQUOT, EFBIG: .diskFull(path: path)
        default: .cannotWrite(path: path, reason: String(cString: strerror(code)))
        }
    }
}
