import Dispatch
import Postgres
import Synchronization

/// Holds the polls of the devices and wakes them.
///
/// A poll is registered here, then its inbox is read, then it is parked: `PollMachine` says why nothing is lost in between. What a writer commits answers a
/// parked poll directly, since that poll has seen its inbox empty. Every 10 to 15 seconds a parked poll looks into the database again (all that are due
/// in one batch), so that what another node wrote, or a hint that got lost, costs seconds and never a message.
///
/// The mailboxes are spread over shards with a lock each; no reply is given, and nothing is enqueued, under a lock.
final class Mailroom: Sendable {
    /// Ten ticks are one second.
    static let tickSeconds = 0.1
    static let ephemeralTicks: UInt64 = 100
    static let presenceTicks: UInt64 = 350
    private static let lookTicks: ClosedRange<UInt64> = 100...150

    fileprivate struct Shard {
        var mailboxes: [Identifier: Mailbox] = [:]
        var wheel: TimerWheel<Identifier>
    }
    private final class Slot: Sendable {
        let shard: Mutex<Shard>
        init(at tick: UInt64) { shard = Mutex(Shard(wheel: TimerWheel(horizon: 1024, at: tick))) }
    }

    private let slots: [Slot]
    private let tickets = Atomic<UInt64>(1)
    private let isDraining = Atomic<Bool>(false)
    private let isClosed = Atomic<Bool>(false)
    private let bell = DispatchSemaphore(value: 0)
    private let thread = Mutex<DedicatedThread?>(nil)
    private let writers: InboxWriters

    init(writers: InboxWriters) {
        self.writers = writers
        let now = Self.now()
        slots = (0..<32).map { _ in Slot(at: now) }
        thread.withLock { $0 = DedicatedThread(name: "mailroom") { [self] in keepTime() } }
    }

    /// Acknowledges, reads, and answers; where nothing is there, holds the poll for up to `wait` seconds.
    func fetch(_ visit: InboxVisit, wait: Int, reply: Reply) throws(Problem) {
        guard wait > 0, !isDraining.load(ordering: .relaxed) else { return try fetchNow(visit, reply: reply) }
        let query = visit.read ?? InboxQuery()
        let ticket = tickets.add(1, ordering: .relaxed).newValue
        let now = Self.now()
        let waiter = Waiter(
            ticket: ticket, session: visit.device, query: query, reply: reply, deadline: now + UInt64(wait * 10),
            nextLook: now + UInt64.random(in: Self.lookTicks))
        let deviceId = visit.device.deviceId
        let superseded = slot(deviceId).shard.withLock { shard -> Waiter? in
            var mailbox = shard.mailboxes[deviceId] ?? Mailbox(userId: visit.device.userId, lastSeen: now)
            let before = mailbox.machine.open(ticket) == nil ? nil : mailbox.waiter
            mailbox.waiter = waiter
            mailbox.lastSeen = now
            shard.set(timerOf: &mailbox, deviceId, at: min(waiter.deadline, waiter.nextLook))
            shard.mailboxes[deviceId] = mailbox
            return before
        }
        superseded.map { answer($0, InboxPage(isSuperseded: true)) }
        reply.whenAbandoned { [weak self] in self?.forget(deviceId, ticket) }
        do {
            try writers.visit(visit) { [self] result in finishRead(deviceId, ticket, result) }
        } catch {
            forget(deviceId, ticket)
            throw error
        }
        // A drain that began meanwhile has not seen this poll.
        if isDraining.load(ordering: .sequentiallyConsistent) { close(deviceId, ticket, with: InboxPage()) }
    }

    /// Tells of what was just committed: the polls of these devices are answered with it.
    func deliver(_ deliveries: [Delivery]) {
        guard deliveries.count > 1 else {
            deliveries.first.map { deliver([$0.item], to: $0.deviceId) }
            return
        }
        var items: [Identifier: [InboxItem]] = [:]
        for delivery in deliveries { items[delivery.deviceId, default: []].append(delivery.item) }
        for (deviceId, items) in items {
            deliver(items.count == 1 ? items : items.sorted { $0.messageId < $1.messageId }, to: deviceId)
        }
    }

    /// Shows an item to those of these devices that poll now or were seen lately; the others never learn of it.
    func show(_ item: [UInt8], to devices: [Identifier]) {
        let now = Self.now()
        for deviceId in devices {
            let ready = slot(deviceId).shard.withLock { shard -> (Waiter, InboxPage)? in
                guard var mailbox = shard.mailboxes[deviceId] else { return nil }
                guard mailbox.waiter != nil || mailbox.lastSeen + Self.presenceTicks >= now else { return nil }
                mailbox.keep(item, at: now)
                defer { shard.mailboxes[deviceId] = mailbox }
                guard mailbox.machine.arrival() == .wake, let ticket = mailbox.machine.ticket, let waiter = mailbox.takeWaiter(ticket) else {
                    return nil
                }
                return (waiter, InboxPage(ephemeral: mailbox.takeEphemeral(at: now)))
            }
            ready.map { answer($0, $1) }
        }
    }

    /// Notes a sign of life.
    func touch(_ session: Session) {
        let now = Self.now()
        slot(session.deviceId).shard.withLock { shard in
            var mailbox = shard.mailboxes[session.deviceId] ?? Mailbox(userId: session.userId, lastSeen: now)
            mailbox.lastSeen = now
            shard.set(timerOf: &mailbox, session.deviceId, at: now + Self.presenceTicks)
            shard.mailboxes[session.deviceId] = mailbox
        }
    }

    /// Ends the polls of devices that are no more.
    func revoke(_ devices: some Sequence<Identifier>) {
        for deviceId in devices {
            let waiter = slot(deviceId).shard.withLock { shard in shard.mailboxes.removeValue(forKey: deviceId)?.waiter }
            waiter?.reply.fail(Problem(.sessionRevoked))
        }
    }

    /// Makes every parked poll look into the database within a second: after a time in which nobody knows what was committed.
    func lookSoon() {
        let now = Self.now()
        for slot in slots {
            slot.shard.withLock { shard in
                for (deviceId, var mailbox) in shard.mailboxes where mailbox.waiter != nil {
                    mailbox.waiter?.nextLook = now + UInt64.random(in: 1...10)
                    shard.set(timerOf: &mailbox, deviceId, at: mailbox.waiter?.nextLook ?? now)
                    shard.mailboxes[deviceId] = mailbox
                }
            }
        }
    }

    /// Answers every held poll and holds none from now on.
    func drain() {
        isDraining.store(true, ordering: .sequentiallyConsistent)
        for slot in slots {
            let waiters = slot.shard.withLock { shard in
                shard.mailboxes.keys.compactMap { key in shard.mailboxes[key]?.machine.ticket.flatMap { shard.mailboxes[key]?.takeWaiter($0) } }
            }
            for waiter in waiters { answer(waiter, InboxPage()) }
        }
    }

    /// Stops the clock; the mailroom is not used afterwards.
    func close() {
        isClosed.store(true, ordering: .relaxed)
        bell.signal()
        thread.withLock { thread in
            thread?.join()
            thread = nil
        }
    }

    /// How many polls are held.
    var heldPolls: Int {
        slots.reduce(0) { sum, slot in sum + slot.shard.withLock { $0.mailboxes.values.count { $0.waiter != nil } } }
    }
}

extension Mailroom {
    private static func now() -> UInt64 { Uptime.nanoseconds() / 100_000_000 }

    private func slot(_ deviceId: Identifier) -> Slot {
        slots[Int(truncatingIfNeeded: deviceId.low & 31)]
    }

    private func fetchNow(_ visit: InboxVisit, reply: Reply) throws(Problem) {
        try writers.visit(visit) { [self] result in
            switch result {
            case .success(let outcome):
                let page = InboxPage(items: outcome.items, ephemeral: takeEphemeral(visit.device.deviceId), hasMore: outcome.hasMore)
                reply.send(.json(encoded: page.encoded(at: .now())))
            case .failure(let error):
                reply.fail(error)
            }
        }
    }

    private func takeEphemeral(_ deviceId: Identifier) -> [[UInt8]] {
        let now = Self.now()
        return slot(deviceId).shard.withLock { $0.mailboxes[deviceId]?.takeEphemeral(at: now) } ?? []
    }

    private func answer(_ waiter: Waiter, _ page: InboxPage) {
        waiter.reply.send(.json(encoded: page.encoded(at: .now())))
    }

    private func forget(_ deviceId: Identifier, _ ticket: PollMachine.Ticket) {
        _ = slot(deviceId).shard.withLock { $0.mailboxes[deviceId]?.takeWaiter(ticket) }
    }

    private func close(_ deviceId: Identifier, _ ticket: PollMachine.Ticket, with page: InboxPage) {
        let waiter = slot(deviceId).shard.withLock { $0.mailboxes[deviceId]?.takeWaiter(ticket) }
        waiter.map { answer($0, page) }
    }

    private func finishRead(_ deviceId: Identifier, _ ticket: PollMachine.Ticket, _ result: Result<VisitOutcome, any Error>) {
        switch result {
        case .success(let outcome): finishRead(deviceId, ticket, outcome)
        case .failure(let error):
            let waiter = slot(deviceId).shard.withLock { shard -> Waiter? in
                guard let waiter = shard.mailboxes[deviceId]?.waiter, waiter.ticket == ticket else { return nil }
                guard shard.mailboxes[deviceId]?.machine.readFailed(ticket, wasHeld: waiter.wasHeld) == true else { return nil }
                shard.mailboxes[deviceId]?.waiter = nil
                return waiter
            }
            waiter?.reply.fail(error)
        }
    }

    private func finishRead(_ deviceId: Identifier, _ ticket: PollMachine.Ticket, _ outcome: VisitOutcome) {
        let now = Self.now()
        let (action, waiter, ephemeral) = slot(deviceId).shard.withLock { shard -> (PollMachine.AfterRead, Waiter?, [[UInt8]]) in
            guard var mailbox = shard.mailboxes[deviceId] else { return (.nothing, nil, []) }
            defer { shard.mailboxes[deviceId] = mailbox }
            let action = mailbox.machine.read(ticket, found: !outcome.items.isEmpty || mailbox.hasEphemeral(at: now))
            let waiter = mailbox.waiter
            switch action {
            case .answer:
                mailbox.waiter = nil
                return (action, waiter, mailbox.takeEphemeral(at: now))
            case .park:
                mailbox.waiter?.wasHeld = true
                return (action, nil, [])
            case .readAgain, .nothing:
                return (action, waiter, [])
            }
        }
        switch (action, waiter) {
        case (.answer, let waiter?): answer(waiter, InboxPage(items: outcome.items, ephemeral: ephemeral, hasMore: outcome.hasMore))
        case (.readAgain, let waiter?): read(for: waiter)
        default: break
        }
    }

    private func read(for waiter: Waiter) {
        let deviceId = waiter.session.deviceId
        do {
            try writers.visit(InboxVisit(device: waiter.session, read: waiter.query)) { [self] result in finishRead(deviceId, waiter.ticket, result) }
        } catch {
            finishRead(deviceId, waiter.ticket, .failure(error))
        }
    }

    private func deliver(_ items: [InboxItem], to deviceId: Identifier) {
        let now = Self.now()
        enum Wake { case answer(Waiter, InboxPage), read(Waiter) }
        let wake = slot(deviceId).shard.withLock { shard -> Wake? in
            guard var mailbox = shard.mailboxes[deviceId], mailbox.machine.arrival() == .wake, let waiter = mailbox.waiter else {
                // The arrival must be noted even where it wakes nobody: a reading under way looks again.
                _ = shard.mailboxes[deviceId]?.machine.arrival()
                return nil
            }
            defer { shard.mailboxes[deviceId] = mailbox }
            guard waiter.query.isUnfiltered else {
                _ = mailbox.machine.lookAgain()
                return .read(waiter)
            }
            guard let taken = mailbox.takeWaiter(waiter.ticket) else { return nil }
            let served = Array(items.prefix(waiter.query.limit))
            return .answer(taken, InboxPage(items: served, ephemeral: mailbox.takeEphemeral(at: now), hasMore: served.count < items.count))
        }
        switch wake {
        case .answer(let waiter, let page): answer(waiter, page)
        case .read(let waiter): read(for: waiter)
        case nil: break
        }
    }

    private func keepTime() {
        while !isClosed.load(ordering: .relaxed) {
            _ = bell.wait(timeout: .now() + Self.tickSeconds)
            let now = Self.now()
            for slot in slots { ring(slot, at: now) }
        }
    }

    private func ring(_ slot: Slot, at now: UInt64) {
        var overdue: [Waiter] = []
        var looking: [Waiter] = []
        slot.shard.withLock { shard in
            for deviceId in shard.wheel.advance(to: now) {
                guard var mailbox = shard.mailboxes[deviceId], mailbox.timer <= now else { continue }
                mailbox.timer = .max
                if let waiter = mailbox.waiter {
                    if waiter.deadline <= now {
                        mailbox.takeWaiter(waiter.ticket).map { overdue.append($0) }
                    } else if waiter.nextLook <= now, mailbox.machine.lookAgain() != nil {
                        mailbox.waiter?.nextLook = now + UInt64.random(in: Self.lookTicks)
                        looking.append(waiter)
                    }
                }
                if let waiter = mailbox.waiter {
                    shard.set(timerOf: &mailbox, deviceId, at: max(now + 1, min(waiter.deadline, waiter.nextLook)))
                } else if mailbox.lastSeen + Self.presenceTicks > now {
                    shard.set(timerOf: &mailbox, deviceId, at: mailbox.lastSeen + Self.presenceTicks)
                } else {
                    shard.mailboxes[deviceId] = nil
                    continue
                }
                shard.mailboxes[deviceId] = mailbox
            }
        }
        for waiter in overdue { answer(waiter, InboxPage()) }
        for waiter in looking { read(for: waiter) }
    }
}

extension Mailroom.Shard {
    /// Sets a timer unless one rings earlier anyway.
    mutating func set(timerOf mailbox: inout Mailbox, _ deviceId: Identifier, at tick: UInt64) {
        guard tick < mailbox.timer else { return }
        mailbox.timer = tick
        wheel.set(deviceId, at: tick)
    }
}
