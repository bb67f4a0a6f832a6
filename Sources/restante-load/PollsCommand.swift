internal import ArgumentParser
internal import LoadGenerator

/// `restante-load polls`: many held polls, some of them woken.
struct PollsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "polls",
        abstract: "Hold many polls and wake some of them: memory for a held poll, processor time and latency of a wake.",
        discussion: "All polls end by themselves after 46 to 55 seconds: what is measured should be over by then.")

    @OptionGroup var target: TargetOptions
    @OptionGroup var source: SessionOptions

    @Option(help: "How many polls to hold; one more device sends.")
    var devices = 1_000

    @Option(help: "How many polls to wake.")
    var wakes = 1_000

    @Option(help: "How many to wake each second.")
    var rate = 500.0

    @Option(help: "How long to watch the server before, with nobody woken and after as long a rest, in seconds.")
    var quiet = 2.0

    @Option(help: "What the random choices follow from.")
    var seed: UInt64 = 1

    func validate() throws {
        guard devices > 0, wakes >= 0, rate > 0, quiet > 0 else { throw ValidationError("a number is out of range") }
    }

    func run() throws {
        let limit = raiseDescriptorLimit()
        guard devices + 128 <= limit else {
            throw ValidationError("this process may open \(limit) descriptors, which is too few for \(devices) polls")
        }
        let server = try target.address()
        let sessions = try source.sessions(count: devices + 1, server: server)
        let plan = PollRun.Plan(polls: devices, wakes: wakes, wakesPerSecond: rate, quietSeconds: quiet, seed: seed)
        let usage = try target.serverUsage()
        let measurements = try PollRun.run(plan, sessions: sessions, server: server, usage: usage) {
            if !target.json { Swift.print("\(devices) polls are held") }
        }
        try target.print(PollReport(measurements, plan: plan))
    }
}
