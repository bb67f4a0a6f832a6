import Postgres

/// A poll that is held, and how to answer it.
struct Waiter: Sendable {
    let ticket: PollMachine.Ticket
    let session: Session
    let query: InboxQuery
    let reply: Reply
    /// Ticks, as all times of the mailroom.
    let deadline: UInt64
    var nextLook: UInt64
    /// Whether it has been parked before, so that a failing read does not end it.
    var wasHeld = false
}

/// What this node's memory holds of one device: its poll, its signs of life, and what is too fleeting for the database.
///
/// Every event returns what is to be done about the poll; the mailroom does it once it has let go of the lock.
struct Mailbox: Sendable {
    /// What an event asks for.
    enum Errand: Sendable {
        case answer(Waiter, InboxPage)
        case read(Waiter)
        case fail(Waiter, any Error)
    }

    /// In ticks of a tenth of a second: how long an ephemeral item is kept, and how long a device counts as present.
    static let ephemeralTicks: UInt64 = 100
    static let presenceTicks: UInt64 = 350
    /// When a parked poll looks into the database again, jittered so that polls that came together do not look together.
    static let lookTicks: ClosedRange<UInt64> = 100...150
    private static let mostEphemeral = 50

    private var machine = PollMachine()
    private(set) var waiter: Waiter?
    private var ephemeral: [(item: [UInt8], time: UInt64)] = []
    private var lastSeen: UInt64
    /// When the next timer rings that was set for this mailbox.
    var timer = UInt64.max

    init(lastSeen: UInt64) {
        self.lastSeen = lastSeen
    }

    mutating func touch(at now: UInt64) {
        lastSeen = now
    }

    /// A poll that is about to read its inbox takes the place of the one before.
    mutating func open(_ next: Waiter, at now: UInt64) -> Errand? {
        let superseded = machine.open(next.ticket) == nil ? nil : waiter
        waiter = next
        lastSeen = now
        return superseded.map { .answer($0, InboxPage(isSuperseded: true)) }
    }

    mutating func finishRead(_ ticket: PollMachine.Ticket, _ outcome: VisitOutcome, at now: UInt64) -> Errand? {
        switch machine.read(ticket, found: !outcome.items.isEmpty || hasEphemeral(at: now)) {
        case .answer:
            let page = InboxPage(items: outcome.items, ephemeral: takeEphemeral(at: now), hasMore: outcome.hasMore)
            return takeWaiter().map { .answer($0, page) }
        case .readAgain: return waiter.map { .read($0) }
        case .park:
            waiter?.wasHeld = true
            return nil
        case .nothing: return nil
        }
    }

    mutating func failRead(_ ticket: PollMachine.Ticket, _ error: any Error) -> Errand? {
        guard machine.readFailed(ticket, wasHeld: waiter?.wasHeld ?? false) else { return nil }
        return takeWaiter().map { .fail($0, error) }
    }

    /// Items were committed for this device. A poll that wants them all has seen its inbox empty before them, so they are its answer.
    mutating func arrive(_ items: [InboxItem], at now: UInt64) -> Errand? {
        guard machine.arrival() == .wake, let waiter else { return nil }
        guard waiter.query.isUnfiltered else { return machine.lookAgain() == nil ? nil : .read(waiter) }
        let served = Array(items.prefix(waiter.query.limit))
        return close(waiter.ticket, with: InboxPage(items: served, ephemeral: takeEphemeral(at: now), hasMore: served.count < items.count))
    }

    /// An ephemeral item is shown to a poll, kept a moment for a device that is present, and lost on any other.
    mutating func show(_ item: [UInt8], at now: UInt64) -> Errand? {
        guard waiter != nil || lastSeen + Self.presenceTicks >= now else { return nil }
        if ephemeral.count >= Self.mostEphemeral { ephemeral.removeFirst() }
        ephemeral.append((item, now))
        guard machine.arrival() == .wake, let waiter else { return nil }
        return close(waiter.ticket, with: InboxPage(ephemeral: takeEphemeral(at: now)))
    }

    mutating func takeEphemeral(at now: UInt64) -> [[UInt8]] {
        guard !ephemeral.isEmpty else { return [] }
        defer { ephemeral = [] }
        return ephemeral.filter { $0.time + Self.ephemeralTicks >= now }.map(\.item)
    }

    /// Ends the poll with this answer, if it is still there.
    mutating func close(_ ticket: PollMachine.Ticket, with page: InboxPage) -> Errand? {
        forget(ticket).map { .answer($0, page) }
    }

    /// Takes the poll out, if it is still there, for somebody else to answer.
    mutating func forget(_ ticket: PollMachine.Ticket) -> Waiter? {
        machine.close(ticket) ? takeWaiter() : nil
    }

    /// Lets a held poll look into the database within a second.
    mutating func lookSoon(at now: UInt64) {
        waiter?.nextLook = now + UInt64.random(in: 1...10)
    }

    /// The mailbox's timer rang: ends a poll whose wait is over, lets another look again.
    mutating func ring(at now: UInt64) -> Errand? {
        guard let waiter else { return nil }
        if waiter.deadline <= now { return close(waiter.ticket, with: InboxPage()) }
        guard waiter.nextLook <= now, machine.lookAgain() != nil else { return nil }
        self.waiter?.nextLook = now + UInt64.random(in: Self.lookTicks)
        return .read(waiter)
    }

    /// When the timer should ring next; nil when there is nothing left to remember.
    func nextTimer(after now: UInt64) -> UInt64? {
        if let waiter { return max(now + 1, min(waiter.deadline, waiter.nextLook)) }
        let forgotten = lastSeen + Self.presenceTicks
        return forgotten > now ? forgotten : nil
    }

    private func hasEphemeral(at now: UInt64) -> Bool {
        ephemeral.contains { $0.time + Self.ephemeralTicks >= now }
    }

    private mutating func takeWaiter() -> Waiter? {
        defer { waiter = nil }
        return waiter
    }
}
