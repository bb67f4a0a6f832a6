import JSON
import Postgres
import Synchronization
import Testing

@testable import Restante

/// What ends unacknowledged, and who is told of it. Time passes by moving `expires_at`; the database's clock cannot be.
/// One test at a time, since each has database sessions of its own.
@Suite(.serialized) final class ExpiryTests {
    private let database: PopulatedDatabase
    private let alice: Session
    private let bob: [Session]
    private let pool: Pool
    private let delivered = Deliveries()

    private final class Deliveries: Sendable {
        let all = Mutex<[Delivery]>([])
    }

    init() throws {
        database = try PopulatedDatabase()
        alice = try database.addUser()[0]
        bob = try database.addUser(devices: 2)
        pool = Pool(conninfo: database.database.conninfo, size: 2, settings: DatabaseSettings.ofPool, name: "test")
    }

    deinit {
        pool.close()
    }

    private func makeExpiry() -> Expiry {
        let delivered = delivered
        return Expiry(pool: pool, identifiers: database.identifiers, days: 30, failures: .silent) { new in delivered.all.withLock { $0 += new } }
    }

    private func sweep() async throws {
        try await makeExpiry().sweep()
    }

    private func send(to target: OutgoingMessage.Target? = nil, expiresIn: Int? = 60) throws -> Identifier {
        var message = try database.message(from: alice, to: target ?? .user(bob[0].userId))
        message.expiresIn = expiresIn
        return try database.deliver(message)
    }

    /// Lets everything run out that has a time of its own.
    private func letExpire() throws {
        try database.connection.execute(simple: "UPDATE inbox SET expires_at = now() - interval '1 s' WHERE expires_at IS NOT NULL", within: 10)
    }

    private func items(_ device: Session, _ type: String) throws -> [JSON] {
        try database.read(device).items.map { try JSON.parse(Array($0.served.utf8)) }.filter { $0["type"]?.string == type }
    }

    private func ids(_ item: JSON) -> [String] {
        item["messageIds"]?.elements.compactMap(\.string) ?? []
    }

    @Test func whatHasExpiredIsServedNoMoreWhetherItWasSweptOrNot() throws {
        _ = try send()
        let lasting = try send(expiresIn: nil)
        try letExpire()
        #expect(try database.read(bob[0]).items.map(\.messageId) == [lasting])
        #expect(try database.count(.countInbox) == 4)
    }

    @Test func theSenderIsToldOnceForAllDevicesAndMessages() async throws {
        let sent = try [send(), send(), send()]
        try letExpire()
        try await sweep()
        let receipts = try items(alice, "RECEIPT")
        #expect(receipts.count == 1)
        #expect(receipts.first?["status"]?.string == "expired")
        #expect(receipts.first?["from"]?["userId"]?.string == bob[0].userId.description)
        #expect(receipts.first.map(ids) == sent.map(\.description))
        #expect(try database.count(.countUndelivered) == 0)
        try await sweep()
        #expect(try items(alice, "RECEIPT").count == 1)
    }

    @Test func aMessageThatOneDeviceHasAcknowledgedIsDeliveredAndNotExpired() async throws {
        let message = try send()
        #expect(try database.acknowledge([message], by: bob[0]) == 1)
        try letExpire()
        try await sweep()
        #expect(try items(alice, "RECEIPT").map { $0["status"]?.string } == ["delivered"])
        #expect(try items(bob[0], "GAP").isEmpty)
        #expect(try items(bob[1], "GAP").count == 1, "this device has missed it all the same")
    }

    @Test func theDeviceLearnsHowManyItHasMissedAndWhen() async throws {
        let sent = try [send(), send()]
        let lasting = try send(expiresIn: nil)
        try letExpire()
        try await sweep()
        let gaps = try items(bob[1], "GAP")
        #expect(gaps.count == 1)
        #expect(gaps.first?["dropped"]?.integer == 2)
        #expect(gaps.first?["since"]?.string == Timestamp(of: sent[0]).description)
        #expect(gaps.first?["until"]?.string == Timestamp(of: sent[1]).description)
        #expect(try database.read(bob[1]).items.first?.messageId == lasting)
    }

    @Test func whatIsMissedLaterIsAddedToTheGapThatWaits() async throws {
        let first = try send()
        try letExpire()
        try await sweep()
        let old = try #require(try database.read(bob[0]).items.last?.messageId)
        _ = try send()
        let last = try send()
        try letExpire()
        try await sweep()
        let gaps = try items(bob[0], "GAP")
        #expect(gaps.count == 1)
        #expect(gaps.first?["dropped"]?.integer == 3)
        #expect(gaps.first?["since"]?.string == Timestamp(of: first).description)
        #expect(gaps.first?["until"]?.string == Timestamp(of: last).description)
        #expect(try database.acknowledge([old], by: bob[0]) == 0, "the one before is gone")
    }

    @Test func aGapThatWasAcknowledgedIsOver() async throws {
        _ = try send()
        try letExpire()
        try await sweep()
        let gap = try #require(try database.read(bob[0]).items.last?.messageId)
        #expect(try database.acknowledge([gap], by: bob[0]) == 1)
        _ = try send()
        try letExpire()
        try await sweep()
        #expect(try items(bob[0], "GAP").map { $0["dropped"]?.integer } == [1])
        #expect(try items(bob[1], "GAP").map { $0["dropped"]?.integer } == [2])
    }

    @Test func aGapThatGetsTooOldIsPutInAnew() async throws {
        let sent = try send()
        try letExpire()
        try await sweep()
        // The GAP ages: in the inbox and in the table that names it.
        try database.connection.execute(
            simple: """
                WITH aged AS (UPDATE gaps SET message_id = first_id_of(now() - interval '31 days') RETURNING device_id, message_id)
                UPDATE inbox i SET message_id = a.message_id FROM aged a WHERE i.device_id = a.device_id
                """, within: 10)
        #expect(try items(bob[0], "GAP").isEmpty)
        try await sweep()
        let gap = try #require(try items(bob[0], "GAP").first)
        #expect(gap["dropped"]?.integer == 1)
        #expect(gap["since"]?.string == Timestamp(of: sent).description)
        #expect(gap["until"]?.string == Timestamp(of: sent).description)
    }

    @Test func everyMemberOfAGroupWhoMissedItIsNamed() async throws {
        let carol = try database.addUser()[0]
        let group = try database.addGroup(of: [alice, bob[0], carol])
        let message = try send(to: .group(group))
        #expect(try database.acknowledge([message], by: carol) == 1)
        try letExpire()
        try await sweep()
        let told = try items(alice, "RECEIPT").map { [$0["status"]?.string, $0["from"]?["userId"]?.string] }
        #expect(Set(told) == [["delivered", carol.userId.description], ["expired", bob[0].userId.description]])
    }

    @Test func nothingComesBackFromWhoHasBlockedTheSenderButInAGroup() async throws {
        let group = try database.addGroup(of: [alice, bob[0]])
        _ = try send()
        let inGroup = try send(to: .group(group))
        try database.connection.execute(
            simple: "INSERT INTO blocks (user_id, blocked_id) VALUES ('\(bob[0].userId)', '\(alice.userId)')", within: 10)
        try letExpire()
        try await sweep()
        #expect(try items(alice, "RECEIPT").map(ids) == [[inGroup.description]])
        #expect(try database.count(.countUndelivered) == 0, "nobody tells of it later")
        #expect(try items(bob[0], "GAP").map { $0["dropped"]?.integer } == [2])
        try database.connection.execute(simple: "DELETE FROM blocks", within: 10)
        _ = try send()
        try letExpire()
        try await sweep()
        #expect(try items(alice, "RECEIPT").count == 2)
    }

    @Test func whereAcknowledgementAndEndMeetOneOfThemIsTold() async throws {
        try database.connection.execute(simple: "SET lock_timeout = '10s'", within: 10)
        var sent: [Identifier] = []
        for _ in 1...20 {
            sent.append(try send())
            try letExpire()
            let expiry = makeExpiry()
            async let swept: Void = expiry.sweep()
            _ = try database.acknowledge([sent[sent.count - 1]], by: bob[0])
            try await swept
        }
        #expect(try items(alice, "RECEIPT").flatMap(ids).sorted() == sent.map(\.description).sorted())
    }

    @Test func twoNodesThatSweepAtOnceMakeOneGap() async throws {
        try database.connection.execute(
            simple: """
                INSERT INTO inbox (device_id, message_id, channel_id, receipt_due, item, expires_at)
                SELECT '\(bob[0].deviceId)', first_id_of(now() - n * interval '1 s'), '\(alice.userId)', 0, 'x', now() FROM generate_series(1, 2500) n
                """, within: 10)
        let other = try database.database.open()
        try other.execute(simple: "BEGIN", within: 10)
        #expect(try other.execute(ExpiryStatements.claim)[0].bool(0))
        try await sweep()
        #expect(try database.count(.countInbox) == 2500, "another node is at it")
        other.close()
        let nodes = [makeExpiry(), makeExpiry()]
        async let first: Void = nodes[0].sweep()
        async let second: Void = nodes[1].sweep()
        _ = try await (first, second)
        try await sweep()
        #expect(try items(bob[0], "GAP").map { $0["dropped"]?.integer } == [2500])
        #expect(try database.count(.countInbox) == 1)
    }

    @Test func aFleetingItemGoesWithoutATrace() async throws {
        let item = InboxItem(messageId: database.identifiers.next(), text: Array(#""type":"X"}"#.utf8))
        let put = try InboxStore.put(
            item, channel: alice.userId, for: .users([bob[0].userId], except: bob[1].deviceId), fleeting: 60, on: database.connection)
        #expect(put.map(\.deviceId) == [bob[0].deviceId])
        #expect(try items(bob[0], "X").count == 1)
        try letExpire()
        try await sweep()
        #expect(try database.count(.countInbox) == 0)
        #expect(delivered.all.withLock { $0.isEmpty })
    }

    @Test func whatIsToldIsHandedToTheMailroom() async throws {
        _ = try send()
        try letExpire()
        try await sweep()
        #expect(Set(delivered.all.withLock { $0.map(\.deviceId) }) == Set([alice, bob[0], bob[1]].map(\.deviceId)))
    }

    @Test func aRemovedDeviceMissesNothing() async throws {
        _ = try send()
        try database.connection.execute(simple: "UPDATE devices SET revoked_at = now() WHERE device_id = '\(bob[1].deviceId)'", within: 10)
        try letExpire()
        try await sweep()
        #expect(try database.read(bob[1]).items.isEmpty)
        #expect(try items(alice, "RECEIPT").count == 1)
    }
}
