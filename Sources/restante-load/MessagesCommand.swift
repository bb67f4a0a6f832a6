internal import ArgumentParser
internal import LoadGenerator

/// `restante-load messages`: 1:1 messages end to end.
struct MessagesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "messages",
        abstract: "Send messages between devices that hold polls: sent, delivered, acknowledged, the receipt delivered.",
        discussion: """
            With --rate, messages are due at that steady rate and latencies count from when they were due, so that a slow server is not \
            asked less. Without it, --in-flight messages are kept between their send and their receipt.
            """)

    @OptionGroup var target: TargetOptions
    @OptionGroup var source: SessionOptions

    @Option(help: "How many devices.")
    var devices = 500

    @Option(help: "Messages a second; 0: as many as --in-flight allows.")
    var rate = 0.0

    @Option(help: "Messages between send and receipt at any time, where --rate is 0.")
    var inFlight = 256

    @Option(help: "How long to measure, in seconds.")
    var seconds = 10.0

    @Option(help: "Load before that enters no result, in seconds.")
    var warmUp = 1.0

    @Option(help: "Connections that sends may use at the same time.")
    var connections = 256

    @Option(help: "Threads of the generator; each has its share of devices, which write to each other.")
    var threads = 1

    @Option(help: "What the random choices follow from.")
    var seed: UInt64 = 1

    func validate() throws {
        guard rate >= 0, inFlight > 0, seconds > 0, warmUp >= 0, connections > 0, threads > 0 else {
            throw ValidationError("a number is out of range")
        }
        guard devices >= 2 * threads else { throw ValidationError("each thread needs at least two devices") }
    }

    func run() throws {
        raiseDescriptorLimit()
        let server = try target.address()
        let sessions = try source.sessions(count: devices, server: server)
        let plan = MessagePlan(
            pace: rate > 0 ? .rate(rate) : .underWay(inFlight), seconds: seconds, warmUpSeconds: warmUp, connections: connections, seed: seed)
        let meter = CoreMeter(generator: try ProcessUsage.ofThisProcess(), server: try target.serverUsage())
        let startingLine = StartingLine(threads: threads)
        let threads = threads
        let results = try runInParallel(threads: threads) { index throws(LoadFault) in
            let share = sessions.indices.filter { $0 % threads == index }.map { sessions[$0] }
            return try MessageRun.run(
                plan.share(of: threads, index: index), sessions: share, server: server, startingLine: startingLine)
        }
        var total = MessageMeasurements()
        for result in results { total.add(result) }
        let cores = meter.read()
        try target.print(
            MessageReport(total, plan: plan, devices: devices, generatorCores: cores.generator, serverCores: cores.server))
    }
}
