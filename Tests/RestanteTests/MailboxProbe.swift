import Postgres

@testable import Restante

/// The device that a mailbox's test is about.
struct MailboxProbe {
    struct Fault: Error {}

    let session = Session(userId: Identifier(high: 1, low: 1), deviceId: Identifier(high: 1, low: 2), sessionId: Identifier(high: 1, low: 3))

    func waiter(
        _ ticket: PollMachine.Ticket, query: InboxQuery = InboxQuery(), acknowledges: Bool = false, deadline: UInt64 = 300, nextLook: UInt64 = 100
    ) throws -> Waiter {
        Waiter(
            ticket: ticket, session: session, query: query, reply: try TestExchange().reply, acknowledges: acknowledges, deadline: deadline,
            nextLook: nextLook)
    }
}

/// An errand as a test names it: whose poll, and the items and signals that it is answered with.
enum ExpectedErrand: Equatable {
    case answer(PollMachine.Ticket, [UInt64], ephemeral: [String] = [], hasMore: Bool = false, isSuperseded: Bool = false)
    case read(PollMachine.Ticket)
    case fail(PollMachine.Ticket)

    init(_ errand: Mailbox.Errand) {
        switch errand {
        case .answer(let waiter, let page):
            self = .answer(
                waiter.ticket, page.items.map(\.messageId.low), ephemeral: page.ephemeral.map { String(decoding: $0, as: UTF8.self) },
                hasMore: page.hasMore, isSuperseded: page.isSuperseded)
        case .read(let waiter): self = .read(waiter.ticket)
        case .fail(let waiter, _): self = .fail(waiter.ticket)
        }
    }

    static func == (errand: Mailbox.Errand?, expected: ExpectedErrand) -> Bool {
        errand.map { ExpectedErrand($0) } == .some(expected)
    }
}

extension Mailbox {
    /// Opens a poll whose first read finds nothing.
    mutating func park(_ waiter: Waiter, at now: UInt64 = 10, moment: UInt64 = 0) {
        _ = open(waiter, at: now)
        _ = finishRead(waiter.ticket, VisitOutcome(), at: now, moment: moment)
    }
}

extension VisitOutcome {
    static func of(_ numbers: UInt64..., hasMore: Bool = false) -> VisitOutcome {
        VisitOutcome(items: numbers.map { InboxItem($0) }, hasMore: hasMore)
    }
}

extension [InboxItem] {
    static func of(_ numbers: UInt64...) -> [InboxItem] {
        numbers.map { InboxItem($0) }
    }
}

extension InboxItem {
    fileprivate init(_ number: UInt64) {
        self.init(messageId: Identifier(high: 0, low: number), text: Array(#""number":\#(number)}"#.utf8))
    }
}
