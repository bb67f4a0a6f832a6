import Postgres

/// An item and the device in whose inbox it was just committed.
struct Delivery: Sendable {
    let deviceId: Identifier
    let item: InboxItem
    /// In nanoseconds of uptime: the item was written after this moment.
    let begun: UInt64
    /// Whether the device is worth waking for it: somebody has written. All else can wait until the device comes by itself.
    var wakes = false
}

/// What a committed batch leaves to be done: whom to tell what.
struct CommittedBatch {
    var sends: [(message: OutgoingMessage, completion: @Sendable (Result<SendOutcome, any Error>) -> Void, outcome: SendOutcome)] = []
    /// Sends that wrote nothing, and of which it could not be asked why.
    var unexplained: [(completion: @Sendable (Result<SendOutcome, any Error>) -> Void, error: PostgresError)] = []
    var visits: [(completion: @Sendable (Result<VisitOutcome, any Error>) -> Void, outcome: VisitOutcome)] = []
    var deliveries: [Delivery] = []

    /// Notes a send that wrote nothing.
    mutating func note(_ send: Send, _ found: Result<[Identifier: SendOutcome], PostgresError>, else other: SendOutcome) {
        switch found {
        case .success(let outcomes): sends.append((send.message, send.completion, outcomes[send.messageId] ?? other))
        case .failure(let error): unexplained.append((send.completion, error))
        }
    }
}
