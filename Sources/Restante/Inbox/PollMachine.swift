/// The life of the held poll of one device, without lock, clock or socket.
///
///     idle ── open ──▶ reading ── nothing there ──▶ parked ── arrival, deadline, hang-up, … ──▶ idle
///                        │  ▲                         │
///                        │  └──── arrival meanwhile, ─┘
///                        │        or time to look again
///                        └── something there ──▶ idle
///
/// The order loses nothing: the poll is known here before its inbox is read, so whatever is committed after that read finds it, and whatever arrives
/// while it reads makes it read again. An arrival is only a hint; the database has the truth. A ticket names one poll, so an event that comes late, for a
/// poll that was answered meanwhile, changes nothing.
struct PollMachine: Sendable {
    typealias Ticket = UInt64

    private enum State {
        case idle
        case reading(Ticket, hasNews: Bool)
        case parked(Ticket)
    }
    private var state = State.idle

    /// What to do with a poll whose inbox was read.
    enum AfterRead: Equatable, Sendable {
        case answer
        case readAgain
        case park
        /// The poll has been answered meanwhile.
        case nothing
    }

    /// What to do when something has arrived.
    enum AfterArrival: Equatable, Sendable {
        /// The poll can be answered with what has arrived, or else read again: `wake` decides.
        case wake
        /// Nobody waits, or the reading under way will look again.
        case nothing
    }

    var ticket: Ticket? {
        switch state {
        case .idle: nil
        case .reading(let ticket, _), .parked(let ticket): ticket
        }
    }

    /// A new poll takes the place of the one before, whose ticket is handed back: it is superseded.
    mutating func open(_ ticket: Ticket) -> Ticket? {
        let superseded = self.ticket
        state = .reading(ticket, hasNews: false)
        return superseded
    }

    mutating func read(_ ticket: Ticket, found isSomethingThere: Bool) -> AfterRead {
        guard case .reading(ticket, let hasNews) = state else { return .nothing }
        if isSomethingThere {
            state = .idle
            return .answer
        }
        if hasNews {
            state = .reading(ticket, hasNews: false)
            return .readAgain
        }
        state = .parked(ticket)
        return .park
    }

    mutating func arrival() -> AfterArrival {
        switch state {
        case .idle: return .nothing
        case .reading(let ticket, _):
            state = .reading(ticket, hasNews: true)
            return .nothing
        case .parked: return .wake
        }
    }

    /// A parked poll reads its inbox again; the ticket to read with, nil where none is parked.
    mutating func lookAgain() -> Ticket? {
        guard case .parked(let ticket) = state else { return nil }
        state = .reading(ticket, hasNews: false)
        return ticket
    }

    /// The reading failed. A poll that was held before stays held; a new one ends. True: answer it with the fault.
    mutating func readFailed(_ ticket: Ticket, wasHeld: Bool) -> Bool {
        guard case .reading(ticket, _) = state else { return false }
        state = wasHeld ? .parked(ticket) : .idle
        return !wasHeld
    }

    /// Ends the poll, whatever it is doing. True: it is the caller's to answer.
    mutating func close(_ ticket: Ticket) -> Bool {
        guard self.ticket == ticket else { return false }
        state = .idle
        return true
    }
}
