import Postgres

/// A message that was checked and rendered, and waits to be written.
struct OutgoingMessage: Sendable {
    enum Target: Sendable {
        case user(Identifier)
        case group(Identifier)
    }
    let sender: Session
    let target: Target
    let clientMessageId: Identifier
    /// Equal for two sends exactly if they say the same thing to the same target.
    let fingerprint: [UInt8]
    /// The item's text without its `direction` (and without `to`), which differs between the devices.
    let body: [UInt8]
    var ciphertexts: Ciphertexts?
    /// The media that is kept while a copy waits.
    var mediaId: Identifier?
    /// Seconds; nil: as long as the retention.
    var expiresIn: Int?
}

/// How a send ended.
enum SendOutcome: Sendable {
    case sent(Identifier)
    /// The same message was sent before, with this id.
    case replayed(Identifier)
    /// Another message stands under the same clientMessageId.
    case reused
    case unknownTarget
    /// Its ciphertexts are not exactly those for the devices that have keys.
    case devicesChanged(DeviceChanges)
    /// The sending device was removed before the message was written.
    case senderGone
}

/// Which items of an inbox are wanted.
struct InboxQuery: Sendable {
    /// 1 to 500.
    var limit = 100
    /// Only items with a larger id.
    var after = Identifier.zero
    var channel: Identifier?

    /// Whether every item is wanted, so that a new one answers a parked poll without asking the database.
    var isUnfiltered: Bool { after == .zero && channel == nil }
}

/// What a device does with its inbox in one round trip: acknowledge, then read.
struct InboxVisit: Sendable {
    let device: Session
    var acknowledge: [Identifier] = []
    var read: InboxQuery?

    /// Whether it does nothing but look for the items of one channel.
    var isSearch: Bool { acknowledge.isEmpty && read?.channel != nil }
}

/// What came of a visit.
struct VisitOutcome: Sendable {
    /// How many of the acknowledged ids were in the inbox.
    var acknowledged = 0
    var items: [InboxItem] = []
    var hasMore = false
}

/// What the writer is asked to do, and whom it tells; on the writer's thread, once.
enum WriterTask: Sendable {
    case send(OutgoingMessage, @Sendable (Result<SendOutcome, any Error>) -> Void)
    case visit(InboxVisit, @Sendable (Result<VisitOutcome, any Error>) -> Void)

    func fail(_ error: any Error) {
        switch self {
        case .send(_, let completion): completion(.failure(error))
        case .visit(_, let completion): completion(.failure(error))
        }
    }
}
