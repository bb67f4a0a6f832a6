import Postgres

/// Ends what was not acknowledged in time, and says so: an `expired` receipt to the sender, a `GAP` to the device that missed it.
///
/// A message has expired for its sender when the last chance of a first acknowledgement is gone; that is settled by whoever deletes its row of
/// `undelivered`, as with the `delivered` receipt, so a sender is told one of the two and not both. A device has one GAP at most: as long as its
/// GAP waits unacknowledged, what is missed later is added to it under a new id. A GAP that gets too old itself is put in anew, so that even after
/// a year the device learns that there was something.
///
/// Reads leave out what has expired whether it was swept or not. The database's clock decides. All of one batch is one transaction.
struct Expiry: Sendable {
    let pool: Pool
    let identifiers: IdentifierGenerator
    let days: Int
    let failures: SweepFailures
    /// Hands committed items to the mailroom.
    let deliver: @Sendable ([Delivery]) -> Void

    /// Within a minute everybody is told, also where one sweep fails.
    private static let seconds = 20
    private static let batch = 1000
    private static let mostReceiptIds = 500

    /// Sweeps until the task is cancelled.
    func run() async {
        while !Task.isCancelled {
            await failures.noting(.expiry) { try await sweep() }
            try? await Task.sleep(for: .seconds(Self.seconds))
        }
    }

    func sweep() async throws {
        let limit = Parameter.int32(Int32(Self.batch))
        try await sweep(.init(ExpiryStatements.takeExpired, [limit]))
        try await sweep(.init(ExpiryStatements.takeAged, [.int32(Int32(days)), limit]))
    }

    private func sweep(_ take: Postgres.Call) async throws {
        var taken = Self.batch
        while taken == Self.batch, !Task.isCancelled {
            let (count, deliveries) = try await pool.transaction { connection -> (Int, [Delivery]) in
                guard try connection.execute(ExpiryStatements.claim)[0].bool(0) else { return (0, []) }
                let ended = try connection.execute(take.statement, take.parameters, within: 10).map(EndedItem.init)
                return (ended.count, try tell(of: ended, on: connection))
            }
            taken = count
            if !deliveries.isEmpty { deliver(deliveries) }
        }
    }
}

/// An item that was taken out of an inbox because its time was over.
private struct EndedItem {
    let deviceId: Identifier
    let messageId: Identifier
    /// Who wants a receipt.
    let senderId: Identifier?
    /// As in the table.
    let receiptDue: Int16
    let isShared: Bool
    let isFleeting: Bool
    /// Whether it came from a user and not in a group.
    let isDirect: Bool

    init(_ row: Row) throws {
        deviceId = try row.uuid(0)
        messageId = try row.uuid(1)
        senderId = try row.optionalUUID(2)
        receiptDue = try row.int16(3)
        isShared = try row.bool(4)
        isFleeting = try row.bool(5)
        isDirect = try row.bool(6)
    }
}

extension Expiry {
    private func tell(of ended: [EndedItem], on connection: Connection) throws -> [Delivery] {
        guard !ended.isEmpty else { return [] }
        try InboxStore.release(ended.filter(\.isShared).map(\.messageId), on: connection)
        let missed = ended.filter { !$0.isFleeting }
        let rows = try connection.execute(ExpiryStatements.owners, [.uuids(Array(Set(missed.map(\.deviceId))))])
        let owners = Dictionary(uniqueKeysWithValues: try rows.map { (try $0.uuid(0), try $0.uuid(1)) })
        let receipts = try putReceipts(for: missed, owners, on: connection)
        return try receipts + putGaps(for: missed, owners, on: connection)
    }

    private struct Way: Hashable {
        let sender: Identifier
        let recipient: Identifier
    }

    /// One receipt for each sender and recipient, in parts of at most 500 messages. As with `delivered`, whoever the recipient has blocked gets none,
    /// but for what came in a group.
    private func putReceipts(for missed: [EndedItem], _ owners: [Identifier: Identifier], on connection: Connection) throws -> [Delivery] {
        let settled = try settle(missed, owners, on: connection)
        let blocked = try blocked(missed, owners, on: connection)
        var owed: [Way: Set<Identifier>] = [:]
        for item in missed {
            guard let sender = item.senderId, let recipient = owners[item.deviceId] else { continue }
            let way = Way(sender: sender, recipient: recipient)
            let isOwed = item.receiptDue == 1 || settled.contains(Unsettled(recipient: recipient, messageId: item.messageId))
            if isOwed, !(item.isDirect && blocked.contains(way)) { owed[way, default: []].insert(item.messageId) }
        }
        var deliveries: [Delivery] = []
        for (way, messageIds) in owed {
            let sorted = messageIds.sorted()
            for start in stride(from: 0, to: sorted.count, by: Self.mostReceiptIds) {
                let part = Array(sorted[start..<min(start + Self.mostReceiptIds, sorted.count)])
                let item = InboxItem.receipt(identifiers.next(), .expired, of: part, from: way.recipient)
                deliveries += try InboxStore.put(item, channel: way.recipient, for: .users([way.sender]), on: connection)
            }
        }
        return deliveries
    }

    private func blocked(_ missed: [EndedItem], _ owners: [Identifier: Identifier], on connection: Connection) throws -> Set<Way> {
        let direct = Set(
            missed.compactMap { item in
                guard item.isDirect, let sender = item.senderId, let recipient = owners[item.deviceId] else { return Way?.none }
                return Way(sender: sender, recipient: recipient)
            })
        guard !direct.isEmpty else { return [] }
        let rows = try connection.execute(ExpiryStatements.blocked, [.uuids(direct.map(\.recipient)), .uuids(direct.map(\.sender))])
        return Set(try rows.map { Way(sender: try $0.uuid(1), recipient: try $0.uuid(0)) })
    }

    private struct Unsettled: Hashable {
        let recipient: Identifier
        let messageId: Identifier
    }

    private func settle(_ missed: [EndedItem], _ owners: [Identifier: Identifier], on connection: Connection) throws -> Set<Unsettled> {
        let several = missed.compactMap { item in item.receiptDue == 2 ? owners[item.deviceId].map { ($0, item.messageId) } : nil }
        guard !several.isEmpty else { return [] }
        let rows = try connection.execute(ExpiryStatements.settle, [.uuids(several.map(\.0)), .uuids(several.map(\.1))])
        return Set(try rows.map { Unsettled(recipient: try $0.uuid(0), messageId: try $0.uuid(1)) })
    }

    private func putGaps(for missed: [EndedItem], _ owners: [Identifier: Identifier], on connection: Connection) throws -> [Delivery] {
        let devices = Array(Set(missed.map(\.deviceId).filter { owners[$0] != nil }))
        guard !devices.isEmpty else { return [] }
        let rows = try connection.execute(ExpiryStatements.gaps, [.uuids(devices)])
        let standing = Dictionary(uniqueKeysWithValues: try rows.map { (try $0.uuid(0), try $0.uuid(1)) })
        var gaps: [Identifier: Gap] = [:]
        var renewed: Set<Identifier> = []
        for item in missed where owners[item.deviceId] != nil {
            if standing[item.deviceId] == item.messageId {
                renewed.insert(item.deviceId)
            } else {
                gaps[item.deviceId, default: .empty].add(Timestamp(of: item.messageId))
            }
        }
        for device in renewed { gaps[device] = gaps[device] ?? .empty }
        let withdrawn = try connection.execute(
            ExpiryStatements.withdrawGaps, [.uuids(Array(standing.keys)), .uuids(Array(standing.values))]
        ).map { try $0.uuid(0) }
        // One that was acknowledged is no more; a new one begins.
        let acknowledged = Set(standing.keys).subtracting(renewed).subtracting(withdrawn)
        _ = try connection.execute(ExpiryStatements.forgetGaps, [.uuids(Array(acknowledged))])
        return try put(gaps, owners, on: connection)
    }

    private func put(_ gaps: [Identifier: Gap], _ owners: [Identifier: Identifier], on connection: Connection) throws -> [Delivery] {
        let sorted = gaps.sorted { $0.key < $1.key }
        let rows = try connection.execute(
            ExpiryStatements.addGaps,
            [
                .uuids(sorted.map(\.key)), .uuids(sorted.map { _ in identifiers.next() }), .int64s(sorted.map(\.value.dropped)),
                .timestamps(sorted.map(\.value.since.milliseconds)), .timestamps(sorted.map(\.value.until.milliseconds)),
            ])
        let placements = try rows.compactMap { row -> InboxStore.Placement? in
            let device = try row.uuid(0)
            let gap = Gap(
                dropped: try row.int64(2), since: Timestamp(milliseconds: try row.timestamp(3)), until: Timestamp(milliseconds: try row.timestamp(4)))
            let item = gap.item(try row.uuid(1))
            return owners[device].map { .init(deviceId: device, channel: $0, item: item) }
        }
        return try InboxStore.put(placements, on: connection)
    }
}
