internal import ArgumentParser
internal import LoadGenerator

/// The options that every subcommand has: which server, and how to report.
struct TargetOptions: ParsableArguments {
    @Option(help: "The server under load.")
    var server = "http://127.0.0.1:8080"

    @Option(help: "The server's process id, on this machine: its memory and processor time are measured too.")
    var serverPid: Int32?

    @Flag(help: "Print one line of JSON instead of a table.")
    var json = false

    func address() throws -> ServerAddress {
        try ServerAddress(url: server)
    }

    func serverUsage() throws -> ProcessUsage? {
        try serverPid.map { process in try ProcessUsage(process: process) }
    }

    func print(_ report: some Report) throws {
        Swift.print(json ? try report.json() : report.table)
    }
}

/// Where the devices of a run come from.
struct SessionOptions: ParsableArguments {
    @Option(help: "A file of registered devices to use instead of registering new ones.")
    var sessions: String?

    func sessions(count: Int, server: ServerAddress) throws -> [Session] {
        if let sessions { return Array(try SessionFile.read(sessions, atLeast: count).prefix(count)) }
        return try Registration.run(count: count, connections: 64, server: server)
    }
}
