import Postgres

/// A poll that is held, and how to answer it.
struct Waiter: Sendable {
    let ticket: PollMachine.Ticket
    let session: Session
    let query: InboxQuery
    let reply: Reply
    /// Whether it acknowledges something, which is done together with its first read.
    let acknowledges: Bool
    /// Ticks, as all times of the mailroom but one.
    let deadline: UInt64
    var nextLook: UInt64
    var wasRead = false
    /// Whether it has been parked before, so that a failing read does not end it.
    var wasHeld = false
    /// In nanoseconds of uptime: when it was first heard that something is there for it; 0 while nothing is.
    var wokenAt: UInt64 = 0

    /// Until the first read is done nobody knows whether its acknowledgement was committed, so it cannot be answered well.
    var mustBeRead: Bool { acknowledges && !wasRead }
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
    /// More than the users that one device can watch, so that all of them may turn while it is between two polls.
    private static let mostEphemeral = 250
    /// Answers of a quarter of a mebibyte that one device may have in the making.
    private static let mostFetches = 32
    /// Longer than a poll is held, so that a device that stays with one node is announced once.
    private static let newcomerTicks: UInt64 = 600

    private var machine = PollMachine()
    private(set) var waiter: Waiter?
    /// Polls that are over, with the answer that they get once their acknowledgement is committed.
    private var leaving: [(waiter: Waiter, page: InboxPage)] = []
    private var ephemeral: [(item: [UInt8], time: UInt64)] = []
    private var lastSeen: UInt64
    /// In nanoseconds of uptime: when this device last got to know what its inbox holds, or what of it is gone.
    private var lastVisit: UInt64 = 0
    /// When something may last have been committed that nobody told of here, and when the last finished read was begun. A parked poll is answered from
    /// memory only if it has read after the former.
    private var lastMiss: UInt64 = 0
    private var knownSince: UInt64 = 1
    private var readBegun: UInt64 = 0
    /// When it last polled here; nil where it never did.
    private var lastPoll: UInt64?
    /// Whether the device was removed: then no poll of it is held any more. A request may have been admitted before, and come to its end only now.
    private(set) var isRevoked = false
    /// How many reads without a wait are under way.
    private var fetches = 0
    /// When the next timer rings that was set for this mailbox.
    var timer = UInt64.max

    init(lastSeen: UInt64) {
        self.lastSeen = lastSeen
    }

    /// Whether the device has not polled here for so long that it may have polled elsewhere meanwhile.
    func isNewcomer(at now: UInt64) -> Bool {
        lastPoll.map { $0 + Self.newcomerTicks < now } ?? true
    }

    mutating func notePoll(at now: UInt64) {
        lastPoll = now
    }

    mutating func touch(at now: UInt64) {
        lastSeen = now
    }

    /// A poll that is about to read its inbox takes the place of the one before.
    mutating func open(_ next: Waiter, at now: UInt64) -> Errand? {
        let superseded = waiter.flatMap { close($0.ticket, with: InboxPage(isSuperseded: true)) }
        _ = machine.open(next.ticket)
        waiter = next
        readBegun = now
        lastSeen = now
        return superseded
    }

    /// The device has read its inbox, or taken something from it, at this moment in nanoseconds.
    mutating func noteVisit(at moment: UInt64) {
        lastVisit = moment
    }

    mutating func finishRead(_ ticket: PollMachine.Ticket, _ outcome: VisitOutcome, at now: UInt64, moment: UInt64) -> Errand? {
        lastVisit = moment
        if let (left, page) = takeLeaving(ticket) { return .answer(left, page) }
        if waiter?.ticket == ticket {
            waiter?.wasRead = true
            knownSince = readBegun
        }
        switch machine.read(ticket, found: !outcome.items.isEmpty || hasEphemeral(at: now)) {
        case .answer:
            let page = InboxPage(items: outcome.items, ephemeral: takeEphemeral(at: now), hasMore: outcome.hasMore)
            return takeWaiter().map { .answer($0, page) }
        case .readAgain: return read(at: now)
        case .park:
            waiter?.wasHeld = true
            waiter?.wokenAt = 0
            return nil
        case .nothing: return nil
        }
    }

    mutating func failRead(_ ticket: PollMachine.Ticket, _ error: any Error, at now: UInt64) -> Errand? {
        if let (left, _) = takeLeaving(ticket) { return .fail(left, error) }
        lookSoon(at: now)
        guard machine.readFailed(ticket, wasHeld: waiter?.wasHeld ?? false) else { return nil }
        return takeWaiter().map { .fail($0, error) }
    }

    /// Items were committed for this device, in a transaction that wrote them not before `begun`, in nanoseconds.
    ///
    /// A parked poll that wants all items has seen its inbox empty before them, so they are its answer. But where the device was at its inbox after
    /// `begun`, it may have got these very items by another way, and acknowledged them: then the database must be asked.
    ///
    /// - Parameter isAlone: whether only this node writes. Where others do, one of them may have committed an earlier message of the same sender, of
    ///   which nothing is known here yet: then the database must be asked, too.
    mutating func arrive(_ items: [InboxItem], begun: UInt64, isAlone: Bool = true, at now: UInt64, moment: UInt64 = 0) -> Errand? {
        noteWake(at: moment)
        guard machine.arrival() == .wake, let waiter else { return nil }
        guard isAlone, waiter.query.isUnfiltered, lastMiss < knownSince, lastVisit < begun else { return lookAgain(at: now) }
        let served = InboxPage.first(waiter.query.limit, of: items)
        return close(waiter.ticket, with: InboxPage(items: served, ephemeral: takeEphemeral(at: now), hasMore: served.count < items.count))
    }

    /// Another node has committed something for this device.
    mutating func hint(at now: UInt64, moment: UInt64 = 0) -> Errand? {
        noteWake(at: moment)
        return machine.arrival() == .wake ? lookAgain(at: now) : nil
    }

    /// Takes a place of those that a device has for reads without a wait; false: all are taken. A search, which may be long, takes eight.
    mutating func beginFetch(isSearch: Bool = false) -> Bool {
        let places = isSearch ? 8 : 1
        guard fetches + places <= Self.mostFetches else { return false }
        fetches += places
        return true
    }

    mutating func endFetch(isSearch: Bool = false) {
        fetches = max(0, fetches - (isSearch ? 8 : 1))
    }

    /// The device was removed: hands back its polls, to be told so. Remembered for longer than the body of a request may take.
    mutating func revoke(at now: UInt64) -> [Waiter] {
        let ended = waiters
        machine = PollMachine()
        (waiter, leaving, ephemeral) = (nil, [], [])
        (isRevoked, lastSeen) = (true, now)
        return ended
    }

    /// The device polls another node now.
    mutating func supersede() -> Errand? {
        lastPoll = nil
        return waiter.flatMap { close($0.ticket, with: InboxPage(isSuperseded: true)) }
    }

    /// An ephemeral item is shown to a poll, kept a moment for a device that is present, and lost on any other.
    mutating func show(_ item: [UInt8], at now: UInt64, moment: UInt64 = 0) -> Errand? {
        noteWake(at: moment)
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

    /// Ends the poll with this answer, if it is still there: at once, or when its acknowledgement is committed.
    mutating func close(_ ticket: PollMachine.Ticket, with page: InboxPage) -> Errand? {
        guard machine.close(ticket), let waiter = takeWaiter() else { return nil }
        guard waiter.mustBeRead else { return .answer(waiter, page) }
        leaving.append((waiter, page))
        return nil
    }

    /// Lets go of a poll whose client is gone; nil: there was none under that ticket.
    @discardableResult
    mutating func forget(_ ticket: PollMachine.Ticket) -> Waiter? {
        machine.close(ticket) ? takeWaiter() : takeLeaving(ticket)?.0
    }

    /// All polls that have no answer yet.
    var waiters: [Waiter] { leaving.map(\.waiter) + (waiter.map { [$0] } ?? []) }

    /// Lets a held poll look into the database within a second: what was committed meanwhile is not known here.
    mutating func lookSoon(at now: UInt64) {
        lastMiss = now
        waiter?.nextLook = now + UInt64.random(in: 1...10)
    }

    /// The mailbox's timer rang: ends a poll whose wait is over, lets another look again.
    mutating func ring(at now: UInt64) -> Errand? {
        guard let waiter else { return nil }
        if waiter.deadline <= now { return close(waiter.ticket, with: InboxPage()) }
        guard waiter.nextLook <= now, let errand = lookAgain(at: now) else { return nil }
        self.waiter?.nextLook = now + UInt64.random(in: Self.lookTicks)
        return errand
    }

    /// When the timer should ring next; nil when there is nothing left to remember.
    func nextTimer(after now: UInt64) -> UInt64? {
        if let waiter { return max(now + 1, min(waiter.deadline, waiter.nextLook)) }
        let forgotten = leaving.isEmpty ? lastSeen + Self.presenceTicks : now + Self.presenceTicks
        return forgotten > now ? forgotten : nil
    }

    /// Remembers the first moment at which something was there for the poll.
    private mutating func noteWake(at moment: UInt64) {
        if waiter?.wokenAt == 0 { waiter?.wokenAt = moment }
    }

    /// Lets a parked poll read its inbox again.
    private mutating func lookAgain(at now: UInt64) -> Errand? {
        machine.lookAgain() == nil ? nil : read(at: now)
    }

    private mutating func read(at now: UInt64) -> Errand? {
        readBegun = now
        return waiter.map { .read($0) }
    }

    private func hasEphemeral(at now: UInt64) -> Bool {
        ephemeral.contains { $0.time + Self.ephemeralTicks >= now }
    }

    private mutating func takeLeaving(_ ticket: PollMachine.Ticket) -> (Waiter, InboxPage)? {
        leaving.firstIndex { $0.waiter.ticket == ticket }.map { leaving.remove(at: $0) }
    }

    private mutating func takeWaiter() -> Waiter? {
        defer { waiter = nil }
        return waiter
    }
}
