import Postgres

/// The few writers, and who gets which task.
///
/// All of one conversation goes to one writer, and so do all visits of one user's devices: their rows are then committed in order, and no two writers
/// wait for each other's rows.
struct InboxWriters: Sendable {
    let writers: [InboxWriter]

    func start(deliver: @escaping @Sendable ([Delivery]) -> Void, reconnected: @escaping @Sendable () -> Void) {
        for writer in writers { writer.start(InboxWriter.Listener(deliver: deliver, reconnected: reconnected)) }
    }

    func send(_ message: OutgoingMessage, _ completion: @escaping @Sendable (Result<SendOutcome, any Error>) -> Void) throws(Problem) {
        let conversation: UInt64 =
            switch message.target {
            case .user(let recipient): recipient.low ^ message.sender.userId.low
            case .group(let group): group.low
            }
        try writer(for: conversation).enqueue(.send(message, completion))
    }

    func visit(_ visit: InboxVisit, _ completion: @escaping @Sendable (Result<VisitOutcome, any Error>) -> Void) throws(Problem) {
        try writer(for: visit.device.userId.low).enqueue(.visit(visit, completion))
    }

    func close() {
        for writer in writers { writer.close() }
    }

    /// The low half of a UUIDv7 is random.
    private func writer(for number: UInt64) -> InboxWriter {
        writers[Int(number % UInt64(writers.count))]
    }
}
