internal import ArgumentParser
internal import LoadGenerator

/// `restante-load register`: devices for several runs.
struct RegisterCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "register", abstract: "Register devices, one user each, and keep their sessions in a file.")

    @OptionGroup var target: TargetOptions

    @Option(help: "How many devices.")
    var devices = 1_000

    @Option(help: "The file; it holds access tokens.")
    var output: String

    func validate() throws {
        guard devices > 0 else { throw ValidationError("--devices must be at least 1") }
    }

    func run() throws {
        let sessions = try Registration.run(count: devices, connections: 64, server: try target.address())
        try SessionFile.write(sessions, to: output)
    }
}
