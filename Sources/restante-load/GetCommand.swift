internal import ArgumentParser
internal import LoadGenerator

/// `restante-load get`: plain requests, one after the other on each connection.
struct GetCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get", abstract: "Ask for one path over and over: what the HTTP edge can do.")

    @OptionGroup var target: TargetOptions

    @Option(help: "The path.")
    var path = "/healthz"

    @Option(help: "How many connections ask at the same time.")
    var connections = 64

    @Option(help: "For how long, in seconds.")
    var seconds = 5.0

    @Option(help: "Threads of the generator.")
    var threads = 1

    func validate() throws {
        guard seconds > 0, threads > 0, connections >= threads, path.hasPrefix("/") else {
            throw ValidationError("a number is out of range, or the path does not begin with /")
        }
    }

    func run() throws {
        raiseDescriptorLimit()
        let server = try target.address()
        let meter = CoreMeter(generator: try ProcessUsage.ofThisProcess(), server: try target.serverUsage())
        let startingLine = StartingLine(threads: threads)
        let share = connections / threads
        let (path, seconds) = (path, seconds)
        let results = try runInParallel(threads: threads) { _ throws(LoadFault) in
            try RequestRun.run(path: path, connections: share, seconds: seconds, server: server, startingLine: startingLine)
        }
        var total = RequestRun.Measurements()
        for result in results { total.add(result) }
        let cores = meter.read()
        try target.print(
            RequestReport(total, seconds: seconds, generatorCores: cores.generator, serverCores: cores.server))
    }
}
