import ArgumentParser

@main
struct Hindsight: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hindsight",
        abstract: "Ask a past training run what it would have logged.",
        subcommands: []
    )
}
