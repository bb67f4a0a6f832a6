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
    private static let tickNanoseconds: UInt64 = 100_000_000

    private final class Slot: Sendable {
        let shard: Mutex<MailboxShard>
        init(at tick: UInt64) { shard = Mutex(MailboxShard(at: tick)) }
    }

    private let slots: [Slot]
    private let tickets = Atomic<UInt64>(1)
    private let isDraining = Atomic<Bool>(false)
    private let isClosed = Atomic<Bool>(false)
    private let bell = DispatchSemaphore(value: 0)
    private let thread = Mutex<DedicatedThread?>(nil)
    private let writers: InboxWriters
    private let metrics: PollMetrics
    private let bus = Mutex<any WakeBus>(ProcessWakeBus())
    /// Whether no other node writes into the same database.
    private let isAlone = Atomic<Bool>(true)
    private let absence = Mutex<(@Sendable ([PushArrival]) -> Void)?>(nil)
    private let isThere: @Sendable (Session) -> Void

    /// - Parameter isThere: told of each held poll when it looks into the database, and when it ends.
    init(writers: InboxWriters, metrics: Metrics = Metrics(), isThere: @escaping @Sendable (Session) -> Void = { _ in }) {
        self.writers = writers
        self.metrics = metrics.polls
        self.isThere = isThere
        let now = Self.now()
        slots = (0..<32).map { _ in Slot(at: now) }
        thread.withLock { $0 = DedicatedThread(name: "mailroom") { [self] in keepTime() } }
    }

    /// Tells other nodes, too, from now on.
    func join(_ bus: any WakeBus) {
        isAlone.store(false, ordering: .relaxed)
        self.bus.withLock { $0 = bus }
    }

    /// Tells of messages, too, that came for devices which hold no poll here; from now on.
    func whenAbsent(_ tell: @escaping @Sendable ([PushArrival]) -> Void) {
        absence.withLock { $0 = tell }
    }

    /// Whether the device holds a poll here.
    func isPolling(_ deviceId: Identifier) -> Bool {
        slot(deviceId).shard.withLock { $0.entries[deviceId]?.mailbox.waiter != nil }
    }

    /// Acknowledges, reads, and answers; where nothing is there, holds the poll for up to `wait` seconds.
    func fetch(_ visit: InboxVisit, wait: Int, reply: Reply) throws(Problem) {
        guard wait > 0, !isDraining.load(ordering: .relaxed) else { return try fetchNow(visit, reply: reply) }
        reply.noteWait()
        metrics.opened.add()
        let ticket = tickets.add(1, ordering: .relaxed).newValue
        let now = Self.now()
        let waiter = Waiter(
            ticket: ticket, session: visit.device, query: visit.read ?? InboxQuery(), reply: reply, acknowledges: !visit.acknowledge.isEmpty,
            deadline: now + UInt64(wait * 10),
            nextLook: now + UInt64.random(in: Mailbox.lookTicks))
        let deviceId = visit.device.deviceId
        let opened = slot(deviceId).shard.withLock { shard in
            shard.withMailbox(deviceId, at: now) { mailbox -> (errand: Mailbox.Errand?, isNew: Bool)? in
                guard !mailbox.isRevoked else { return nil }
                defer { mailbox.notePoll(at: now) }
                return (mailbox.open(waiter, at: now), mailbox.isNewcomer(at: now))
            }
        }
        guard let (errand, isNew) = opened else {
            metrics.ended.add(.revoked)
            throw Problem(.sessionRevoked)
        }
        run(errand)
        if isNew { publish(.polling(deviceId)) }
        reply.whenAbandoned { [weak self] in
            guard let self, let waiter = forget(deviceId, ticket, .abandoned) else { return }
            isThere(waiter.session)
        }
        do {
            try writers.visit(visit) { [self] result in finishRead(deviceId, ticket, result) }
        } catch {
            forget(deviceId, ticket, .failed)
            throw error
        }
        // A drain that began meanwhile has not seen this poll.
        if isDraining.load(ordering: .sequentiallyConsistent) { close(deviceId, ticket) }
    }

    /// Acknowledges or reads without waiting. `completion` runs once, on a writer's thread.
    func visit(_ visit: InboxVisit, _ completion: @escaping @Sendable (Result<VisitOutcome, any Error>) -> Void) throws(Problem) {
        let deviceId = visit.device.deviceId
        try writers.visit(visit) { [self] result in
            slot(deviceId).shard.withLock { $0.entries[deviceId]?.mailbox.noteVisit(at: Uptime.nanoseconds()) }
            completion(result)
        }
    }

    /// Tells of what was just committed: the polls of these devices are answered with it.
    func deliver(_ deliveries: [Delivery]) {
        let moment = Uptime.nanoseconds()
        var arrivals: [Identifier: [Delivery]] = [:]
        for delivery in deliveries { arrivals[delivery.deviceId, default: []].append(delivery) }
        let absent = arrivals.filter { !deliver($0.value, to: $0.key, at: moment) }.map(\.key)
        if !absent.isEmpty {
            publish(.arrived(absent))
            tell(of: absent, arrivals)
        }
    }

    /// Shows an item to those of these devices that poll now or were seen lately; the others never learn of it.
    func show(_ item: [UInt8], to devices: [Identifier]) {
        showHere(item, to: devices)
        if !devices.isEmpty { publish(.shown(item, devices)) }
    }

    /// Does what another node has told.
    func hear(_ event: WakeEvent) {
        switch event {
        case .arrived(let devices):
            let moment = Uptime.nanoseconds()
            let now = moment / Self.tickNanoseconds
            for deviceId in devices { run(slot(deviceId).shard.withLock { $0.entries[deviceId]?.mailbox.hint(at: now, moment: moment) ?? nil }) }
        case .shown(let item, let devices): showHere(item, to: devices)
        case .polling(let deviceId): run(slot(deviceId).shard.withLock { $0.entries[deviceId]?.mailbox.supersede() ?? nil })
        case .revoked(let devices): endPolls(of: devices)
        case .present, .absent, .subscribed: break
        }
    }

    /// Notes a sign of life.
    func touch(_ session: Session) {
        let now = Self.now()
        slot(session.deviceId).shard.withLock { $0.touch(session.deviceId, at: now) }
    }

    /// Ends the polls of devices that are no more.
    func revoke(_ devices: [Identifier]) {
        endPolls(of: devices)
        publish(.revoked(devices))
    }

    private func endPolls(of devices: [Identifier]) {
        let now = Self.now()
        for deviceId in devices {
            let waiters = slot(deviceId).shard.withLock { $0.withMailbox(deviceId, at: now) { $0.revoke(at: now) } }
            for waiter in waiters {
                metrics.ended.add(.revoked)
                waiter.reply.fail(Problem(.sessionRevoked))
            }
        }
    }

    /// Makes every parked poll look into the database within a second: after a time in which nobody knows what was committed.
    func lookSoon() {
        let now = Self.now()
        for slot in slots {
            slot.shard.withLock { shard in
                let waiting = shard.entries.filter { $0.value.mailbox.waiter != nil }.keys
                for deviceId in waiting { shard.withMailbox(deviceId, at: now) { $0.lookSoon(at: now) } }
            }
        }
    }

    /// Answers every held poll and holds none from now on.
    func drain() {
        isDraining.store(true, ordering: .sequentiallyConsistent)
        for slot in slots {
            let held = slot.shard.withLock { shard in shard.entries.compactMap { key, entry in entry.mailbox.waiter.map { (key, $0.ticket) } } }
            for (deviceId, ticket) in held { close(deviceId, ticket) }
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
}

extension Mailroom {
    private static func now() -> UInt64 { Uptime.nanoseconds() / tickNanoseconds }

    private func slot(_ deviceId: Identifier) -> Slot {
        slots[Int(truncatingIfNeeded: deviceId.low & 31)]
    }

    private func fetchNow(_ visit: InboxVisit, reply: Reply) throws(Problem) {
        let deviceId = visit.device.deviceId
        let now = Self.now()
        let isGranted = slot(deviceId).shard.withLock { $0.withMailbox(deviceId, at: now) { $0.beginFetch(isSearch: visit.isSearch) } }
        guard isGranted else { throw .passing(.overloaded) }
        do {
            try self.visit(visit) { [self] result in
                switch result {
                case .success(let outcome):
                    let page = InboxPage(items: outcome.items, ephemeral: endFetch(visit, takesEphemeral: true), hasMore: outcome.hasMore)
                    reply.send(.json(encoded: page.encoded(at: .now())))
                case .failure(let error):
                    endFetch(visit)
                    reply.fail(error)
                }
            }
        } catch {
            endFetch(visit)
            throw error
        }
    }

    @discardableResult
    private func endFetch(_ visit: InboxVisit, takesEphemeral: Bool = false) -> [[UInt8]] {
        let deviceId = visit.device.deviceId
        let now = Self.now()
        return slot(deviceId).shard.withLock { shard in
            shard.entries[deviceId]?.mailbox.endFetch(isSearch: visit.isSearch)
            return takesEphemeral ? shard.entries[deviceId]?.mailbox.takeEphemeral(at: now) ?? [] : []
        }
    }

    private func finishRead(_ deviceId: Identifier, _ ticket: PollMachine.Ticket, _ result: Result<VisitOutcome, any Error>) {
        let moment = Uptime.nanoseconds()
        let now = moment / Self.tickNanoseconds
        let errand = slot(deviceId).shard.withLock { shard -> Mailbox.Errand? in
            switch result {
            case .success(let outcome): shard.entries[deviceId]?.mailbox.finishRead(ticket, outcome, at: now, moment: moment) ?? nil
            case .failure(let error): shard.withMailbox(deviceId, at: now) { $0.failRead(ticket, error, at: now) }
            }
        }
        run(errand)
    }

    private func publish(_ event: WakeEvent) {
        bus.withLock { $0 }.publish(event)
    }

    private func tell(of absent: [Identifier], _ arrivals: [Identifier: [Delivery]]) {
        guard let tell = absence.withLock({ $0 }) else { return }
        let messages = absent.flatMap { deviceId in
            (arrivals[deviceId] ?? []).filter(\.wakes).map { PushArrival(deviceId: deviceId, messageId: $0.item.messageId) }
        }
        if !messages.isEmpty { tell(messages) }
    }

    /// False where no poll of the device is held here.
    private func deliver(_ arrivals: [Delivery], to deviceId: Identifier, at moment: UInt64) -> Bool {
        let now = moment / Self.tickNanoseconds
        let items = arrivals.count == 1 ? [arrivals[0].item] : arrivals.map(\.item).sorted { $0.messageId < $1.messageId }
        let begun = arrivals.reduce(UInt64.max) { min($0, $1.begun) }
        let isAlone = isAlone.load(ordering: .relaxed)
        let (errand, isHere) = slot(deviceId).shard.withLock { shard in
            let isHere = shard.entries[deviceId]?.mailbox.waiter != nil
            return (shard.entries[deviceId]?.mailbox.arrive(items, begun: begun, isAlone: isAlone, at: now, moment: moment) ?? nil, isHere)
        }
        run(errand)
        return isHere
    }

    private func showHere(_ item: [UInt8], to devices: [Identifier]) {
        let moment = Uptime.nanoseconds()
        let now = moment / Self.tickNanoseconds
        for deviceId in devices { run(slot(deviceId).shard.withLock { $0.entries[deviceId]?.mailbox.show(item, at: now, moment: moment) ?? nil }) }
    }

    @discardableResult
    private func forget(_ deviceId: Identifier, _ ticket: PollMachine.Ticket, _ ending: PollEnding) -> Waiter? {
        let waiter = slot(deviceId).shard.withLock { $0.entries[deviceId]?.mailbox.forget(ticket) ?? nil }
        if waiter != nil { metrics.ended.add(ending) }
        return waiter
    }

    private func close(_ deviceId: Identifier, _ ticket: PollMachine.Ticket) {
        run(slot(deviceId).shard.withLock { $0.entries[deviceId]?.mailbox.close(ticket, with: InboxPage()) ?? nil })
    }

    /// Does what a mailbox asked for, outside its lock.
    private func run(_ errand: Mailbox.Errand?) {
        switch errand {
        case nil: break
        case .answer(let waiter, let page):
            isThere(waiter.session)
            waiter.reply.send(.json(encoded: page.encoded(at: .now())))
            metrics.answered(PollEnding(page), wokenAt: waiter.wokenAt)
        case .fail(let waiter, let error):
            waiter.reply.fail(error)
            metrics.ended.add(.failed)
        case .read(let waiter):
            isThere(waiter.session)
            read(for: waiter)
        }
    }

    private func read(for waiter: Waiter) {
        let deviceId = waiter.session.deviceId
        do {
            try writers.visit(InboxVisit(device: waiter.session, read: waiter.query)) { [self] in finishRead(deviceId, waiter.ticket, $0) }
        } catch {
            finishRead(deviceId, waiter.ticket, .failure(error))
        }
    }

    private func keepTime() {
        while !isClosed.load(ordering: .relaxed) {
            _ = bell.wait(timeout: .now() + .nanoseconds(Int(Self.tickNanoseconds)))
            let now = Self.now()
            for slot in slots {
                let errands = slot.shard.withLock { $0.ring(at: now) }
                for errand in errands { run(errand) }
            }
        }
    }
}
