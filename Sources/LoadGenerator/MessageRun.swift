/// Messages between devices that each hold a poll: sent, delivered, acknowledged, and the receipt delivered in turn.
///
/// A message is complete when its sender has received the receipt: that shows that the recipient's acknowledgement was carried out.
/// Every latency counts from the moment at which the message was due, not from when it could be sent.
package final class MessageRun: InboxObserver, SendObserver {
    private let plan: MessagePlan
    private let loop: EventLoop
    private let deviceCount: Int
    private let clientIds: ClientMessageIds
    private var ledger = DeliveryLedger()
    private var measurements = MessageMeasurements()
    private var random: RandomSequence
    private var window: Range<Instant> = 0..<0

    /// Runs the plan with these devices, at least two, on the calling thread. Blocks until the load is over and what it left is delivered,
    /// or ten seconds have passed after it.
    package static func run(
        _ plan: MessagePlan, sessions: [Session], server: ServerAddress, startingLine: StartingLine
    ) throws(LoadFault) -> MessageMeasurements {
        let loop = try EventLoop(server: server)
        let run = MessageRun(plan: plan, loop: loop, deviceCount: sessions.count)
        let devices = PollingDevices(sessions: sessions, server: server, observer: run)
        let sender = Sender(
            sessions: sessions, loop: loop, maximumConnections: plan.connections, clientIds: run.clientIds, observer: run)
        defer { loop.closeAll() }

        let opened = Result { () throws(LoadFault) in
            let connections = try ConnectionOpening.run(count: sessions.count, path: "/healthz", on: loop)
            try devices.hold(on: loop, connections: connections)
        }
        // Also with a fault: the other threads would wait for this one.
        startingLine.arrive()
        try opened.get()
        loop.run(until: MonotonicClock.now.after(seconds: 60), isDone: { startingLine.isComplete }, work: devices.retry)

        run.load(with: sender, devices: devices)
        run.measurements.close(run.ledger)
        run.measurements.polls = devices.polls
        run.measurements.sendFailures = sender.failures
        run.measurements.pollFailures = devices.failures
        return run.measurements
    }

    private init(plan: MessagePlan, loop: EventLoop, deviceCount: Int) {
        self.plan = plan
        self.loop = loop
        self.deviceCount = deviceCount
        random = RandomSequence(seed: plan.seed)
        clientIds = ClientMessageIds(run: .random(in: .min ... .max))
    }

    private func load(with sender: Sender, devices: PollingDevices) {
        let start = MonotonicClock.now
        let measured = start.after(seconds: plan.warmUpSeconds)
        let end = measured.after(seconds: plan.seconds)
        window = measured..<end
        switch plan.pace {
        case .rate(let rate):
            var schedule = OpenLoopSchedule(start: start, rate: rate)
            loop.run(until: end, isDone: { false }) { now in
                while let due = schedule.take(at: now) { begin(due: due, with: sender) }
                return min(schedule.next, devices.retry(at: now))
            }
        case .underWay(let count):
            loop.run(until: end, isDone: { false }) { now in
                while ledger.open < count { begin(due: now, with: sender) }
                return devices.retry(at: now)
            }
        }
        let isDrained = { sender.underWay == 0 && self.ledger.open == 0 }
        loop.run(until: MonotonicClock.now.after(seconds: 10), isDone: isDrained, work: devices.retry)
    }

    /// Sends from one device to another, both drawn at random.
    private func begin(due: Instant, with sender: Sender) {
        let from = random.next(below: deviceCount)
        let to = (from + 1 + random.next(below: deviceCount - 1)) % deviceCount
        sender.send(Sender.Send(sequence: ledger.begin(due: due), from: from, to: to))
    }

    package func stored(sequence: Int, at now: Instant) {
        let due = ledger.markStored(sequence)
        if window.contains(now) { measurements.storedInWindow += 1 }
        if window.contains(due) { measurements.sendLatency.record(from: due, to: now) }
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
            if window.contains(now) { measurements.deliveredInWindow += 1 }
            if window.contains(due) { measurements.deliveryLatency.record(from: due, to: now) }
        case .deliveryReceipt(let range):
            for index in range {
                guard let due = ledger.markReceipted(messageId: receipted[index]) else { continue }
                if window.contains(now) { measurements.acknowledgedInWindow += 1 }
                if window.contains(due) { measurements.receiptLatency.record(from: due, to: now) }
            }
        case .other: break
        }
    }
}
