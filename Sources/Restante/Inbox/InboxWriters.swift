import Postgres

/// The few writers, and who gets which task.
///
/// All of one conversation goes to one writer, and so do all visits of one user's devices: their rows are then committed in order, and no two writers
/// wait for each other's rows. Messages to groups have writers of their own, because one of them may be thousands of rows, for which no poll and no
/// message between two users should wait. For the same reason searches have one.
struct InboxWriters: Sendable {
    /// Write messages from user to user, and make the visits.
    let writers: [InboxWriter]
    /// Write messages to groups.
    let groupWriters: [InboxWriter]
    /// Reads the inboxes for those who want the items of one channel only: there is no index for that, so it may take as long as the inbox is full.
    let searcher: InboxWriter

    var all: [InboxWriter] { writers + groupWriters + [searcher] }

    func start(deliver: @escaping @Sendable ([Delivery]) -> Void, reconnected: @escaping @Sendable () -> Void) {
        for writer in all { writer.start(InboxWriter.Listener(deliver: deliver, reconnected: reconnected)) }
    }

    func send(_ message: OutgoingMessage, _ completion: @escaping @Sendable (Result<SendOutcome, any Error>) -> Void) throws(Problem) {
        let writer =
            switch message.target {
            case .user(let recipient): Self.one(of: writers, for: recipient.low ^ message.sender.userId.low)
            case .group(let group): Self.one(of: groupWriters, for: group.low)
            }
        try writer.enqueue(.send(message, completion))
    }

    func visit(_ visit: InboxVisit, _ completion: @escaping @Sendable (Result<VisitOutcome, any Error>) -> Void) throws(Problem) {
        let writer = visit.isSearch ? searcher : Self.one(of: writers, for: visit.device.userId.low)
        try writer.enqueue(.visit(visit, completion))
    }

    func close() {
        for writer in all { writer.close() }
    }

    /// The low half of a UUIDv7 is random.
    private static func one(of writers: [InboxWriter], for number: UInt64) -> InboxWriter {
        writers[Int(number % UInt64(writers.count))]
    }
}
