internal import ArgumentParser

/// `restante-load`: puts a running server under load and says how it bore it.
@main
struct LoadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restante-load",
        abstract: "Put a Restante server under load and measure how it bears it.",
        discussion: """
            The server must run with OTP_DELIVERY=response and RATE_LIMITS=off. Every run registers devices of its own, unless \
            --sessions names a file that `restante-load register` has written.
            """,
        subcommands: [MessagesCommand.self, PollsCommand.self, GetCommand.self, RegisterCommand.self])
}
