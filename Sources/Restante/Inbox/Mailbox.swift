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
struct Mailbox: Sendable {
    let userId: Identifier
    var machine = PollMachine()
    var waiter: Waiter?
    var lastSeen: UInt64
    /// When the next timer rings that was set for this mailbox.
    var timer = UInt64.max
    private var ephemeral: [(item: [UInt8], time: UInt64)] = []

    init(userId: Identifier, lastSeen: UInt64) {
        self.userId = userId
        self.lastSeen = lastSeen
    }

    /// Keeps the newest few; who is flooded loses the oldest.
    mutating func keep(_ item: [UInt8], at now: UInt64) {
        if ephemeral.count >= 50 { ephemeral.removeFirst() }
        ephemeral.append((item, now))
    }

    func hasEphemeral(at now: UInt64) -> Bool {
        ephemeral.contains { $0.time + Mailroom.ephemeralTicks >= now }
    }

    mutating func takeEphemeral(at now: UInt64) -> [[UInt8]] {
        defer { ephemeral = [] }
        return ephemeral.filter { $0.time + Mailroom.ephemeralTicks >= now }.map(\.item)
    }

    /// Hands over the poll if the machine says that it is the caller's to answer.
    mutating func takeWaiter(_ ticket: PollMachine.Ticket) -> Waiter? {
        guard machine.close(ticket), let waiter, waiter.ticket == ticket else { return nil }
        self.waiter = nil
        return waiter
    }
}
