/// Many held polls, of which some are woken: what a held poll costs in memory, and what it costs to wake one among so many.
///
/// One more device sends the messages that wake; it holds a poll too and takes the receipts. What the server does while nobody is woken is
/// measured first and taken off, so that the cost of a wake is that of a send, a delivery, an acknowledgement, a receipt and the next
/// two polls, and no more.
package final class PollRun: InboxObserver, SendObserver {
    package struct Plan: Sendable {
        package var polls: Int
        package var wakes: Int
        package var wakesPerSecond: Double
        /// How long the server is watched with all polls held and nobody woken; before that it gets as long to come to rest.
        package var quietSeconds: Double
        package var seed: UInt64

        package init(polls: Int, wakes: Int, wakesPerSecond: Double, quietSeconds: Double, seed: UInt64) {
            self.polls = polls
            self.wakes = wakes
            self.wakesPerSecond = wakesPerSecond
            self.quietSeconds = quietSeconds
            self.seed = seed
        }
    }

    package struct Measurements: Sendable {
        /// From when the message was due, to its arrival in the woken poll.
        package var wakeLatency = LatencyRecorder()
        package var woken = 0
        package var lost = 0
        package var sendFailures = FailureCount()
        package var pollFailures = FailureCount()
        /// What the server used; nil where it was not watched.
        package var server: ServerCost?
    }

    /// What the server used in each part of the run.
    package struct ServerCost: Sendable, Encodable {
        package var residentBytesBefore: Int
        package var residentBytesConnected: Int
        package var residentBytesHeld: Int
        /// Processor seconds per second while all are held and nobody is woken.
        package var quietCores: Double
        /// Processor microseconds for each wake, those of the quiet time taken off.
        package var microsecondsPerWake: Double
    }

    private let plan: Plan
    private let clientIds = ClientMessageIds(run: .random(in: .min ... .max))
    private var ledger = DeliveryLedger()
    private var measurements = Measurements()

    /// Blocks until the wakes are over. `sessions` holds one device more than there are polls: the last one sends. `announce` is called when
    /// all polls are held.
    package static func run(
        _ plan: Plan, sessions: [Session], server: ServerAddress, usage: ProcessUsage?, announce: () -> Void
    ) throws(LoadFault) -> Measurements {
        let loop = try EventLoop(server: server)
        defer { loop.closeAll() }
        let run = PollRun(plan: plan)
        let devices = PollingDevices(sessions: sessions, server: server, observer: run)
        let sender = Sender(sessions: sessions, loop: loop, maximumConnections: 64, clientIds: run.clientIds, observer: run)

        let before = usage?.residentBytes ?? 0
        let connections = try ConnectionOpening.run(count: sessions.count, path: "/healthz", on: loop)
        let connected = usage?.residentBytes ?? 0
        try devices.hold(on: loop, connections: connections)
        announce()
        let held = usage?.residentBytes ?? 0

        let rest = { _ = loop.run(until: MonotonicClock.now.after(seconds: plan.quietSeconds), isDone: { false }, work: devices.retry) }
        rest()
        let quiet = measure(usage, rest)
        let waking = measure(usage) { run.wake(sessions.count - 1, with: sender, devices: devices, on: loop) }

        run.measurements.woken = run.ledger.delivered
        run.measurements.lost = run.ledger.lost
        run.measurements.sendFailures = sender.failures
        run.measurements.pollFailures = devices.failures
        if usage != nil {
            let spent = waking.processorSeconds - quiet.cores * waking.seconds
            run.measurements.server = ServerCost(
                residentBytesBefore: before, residentBytesConnected: connected, residentBytesHeld: held, quietCores: quiet.cores,
                microsecondsPerWake: spent * 1_000_000 / Double(max(run.ledger.delivered, 1)))
        }
        return run.measurements
    }

    private init(plan: Plan) {
        self.plan = plan
    }

    /// Sends the messages, each to another device until all have had one, and waits for the last receipt.
    private func wake(_ from: Int, with sender: Sender, devices: PollingDevices, on loop: EventLoop) {
        var random = RandomSequence(seed: plan.seed)
        let order = Array(0..<plan.polls).shuffled(using: &random)
        var schedule = OpenLoopSchedule(start: MonotonicClock.now, rate: plan.wakesPerSecond)
        let deadline = MonotonicClock.now.after(seconds: Double(plan.wakes) / plan.wakesPerSecond + 10)
        let isDone = { self.ledger.begun == self.plan.wakes && self.ledger.open == 0 && sender.underWay == 0 }
        loop.run(until: deadline, isDone: isDone) { now in
            while ledger.begun < plan.wakes, let due = schedule.take(at: now) {
                let sequence = ledger.begin(due: due)
                sender.send(Sender.Send(sequence: sequence, from: from, to: order[sequence % order.count]))
            }
            let next = ledger.begun < plan.wakes ? schedule.next : .max
            return min(next, devices.retry(at: now))
        }
    }

    private struct Spent {
        var seconds: Double
        var processorSeconds: Double
        var cores: Double { processorSeconds / seconds }
    }

    private static func measure(_ usage: ProcessUsage?, _ work: () -> Void) -> Spent {
        let processorBefore = usage?.processorTime ?? 0
        let before = MonotonicClock.now
        work()
        let seconds = Double(MonotonicClock.now - before) / 1_000_000_000
        return Spent(seconds: seconds, processorSeconds: Double((usage?.processorTime ?? 0) &- processorBefore) / 1_000_000_000)
    }

    package func stored(sequence: Int, at now: Instant) {
        _ = ledger.markStored(sequence)
    }

    package func failed(sequence: Int, at now: Instant) {
        ledger.markFailed(sequence)
    }

    package func device(_ device: Int, received item: InboxItem, receipted: Span<Identifier>, at now: Instant) {
        switch item.kind {
        case .message(let clientMessageId):
            guard let sequence = clientIds.sequence(of: clientMessageId),
                case .first(let due) = ledger.markDelivered(sequence, messageId: item.messageId)
            else { return }
            measurements.wakeLatency.record(from: due, to: now)
        case .deliveryReceipt(let range):
            for index in range { _ = ledger.markReceipted(messageId: receipted[index]) }
        case .other: break
        }
    }
}
