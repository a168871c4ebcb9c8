import Foundation

/// What the standard output can show.
enum Terminal {
    /// Colour only where somebody looks at it and has not switched it off.
    static var wantsColour: Bool {
        let environment = ProcessInfo.processInfo.environment
        return isatty(STDOUT_FILENO) != 0 && (environment["NO_COLOR"] ?? "").isEmpty
            && environment["TERM"] != "dumb"
    }
}
