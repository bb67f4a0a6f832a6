import Logging
import Postgres
import Testing

@testable import Restante

/// One test at a time, since each has database sessions of its own.
@Suite(.serialized) final class RetentionTests {
    private let database: PopulatedDatabase
    private let alice: Session
    private let bob: [Session]
    private let pool: Pool
    private let retention: Retention
    private let metrics = Metrics(operations: [])

    init() throws {
        database = try PopulatedDatabase(retentionDays: 30)
        alice = try database.addUser()[0]
        bob = try database.addUser(devices: 2)
        pool = Pool(conninfo: database.database.conninfo, size: 2, settings: DatabaseSettings.ofPool, name: "test")
        retention = Retention(
            pool: pool, days: 30, idempotencyHours: 24,
            failures: SweepFailures(metrics: metrics, logger: .silent))
    }

    deinit {
        pool.close()
    }

    private func sweep() async throws {
        try await Expiry(pool: pool, identifiers: database.identifiers, days: 30, failures: .silent) { _ in }.sweep()
        await retention.sweep()
    }

    /// A database whose messages are all made some days ago.
    private func send(daysAgo days: Int64, to target: OutgoingMessage.Target? = nil, _ content: String = "Hello") throws -> Identifier {
        let made = Timestamp(milliseconds: Timestamp.now().milliseconds - days * 86_400_000)
        let batch = WriterBatch(retentionDays: 30, identifiers: IdentifierGenerator { made })
        let message = try database.message(from: alice, to: target ?? .user(bob[0].userId), content)
        var tasks = [PendingTask(task: .send(message) { _ in }, deadline: .infinity)]
        let isForGroup = tasks[0].isForGroup
        let committed = isForGroup ? try batch.commitToGroups(&tasks, on: database.connection) : try batch.commit(&tasks, on: database.connection)
        return try #require(committed.sends[0].outcome.sent)
    }

    /// The ids of what a person wrote.
    private func messages(_ device: Session) throws -> [Identifier] {
        try database.read(device).items.filter { $0.served.contains(#""type":"TEXT""#) }.map(\.messageId)
    }

    @Test func whatIsTooOldIsServedNoMoreWhetherItWasSweptOrNot() throws {
        _ = try send(daysAgo: 31)
        let young = try send(daysAgo: 29)
        let page = try database.read(bob[0])
        #expect(page.items.map(\.messageId) == [young])
        #expect(!page.hasMore)
        #expect(try database.count(.countInbox) == 4)
    }

    @Test func aSweepTakesAwayWhatIsTooOldAndNothingElse() async throws {
        for _ in 0..<3 { _ = try send(daysAgo: 31) }
        let young = try send(daysAgo: 29)
        try await sweep()
        #expect(try messages(bob[0]) == [young])
        #expect(try messages(bob[1]) == [young])
        #expect(try database.count(.countInbox) == 5, "beside these: a GAP for each of them, and the sender's receipt")
        #expect(try database.count(.countUndelivered) == 1)
    }

    @Test func aSweepGoesOnUntilNothingOldIsLeft() async throws {
        try database.connection.execute(
            simple: """
                INSERT INTO inbox
                SELECT '\(bob[0].deviceId)', first_id_of(now() - interval '40 days' + n * interval '1 s'), '\(alice.userId)', NULL, 0, 'x'
                FROM generate_series(1, 2500) n
                """, within: 10)
        try await sweep()
        #expect(try database.count(.countInbox) == 1)
        #expect(try database.read(bob[0]).items.map(\.served)[0].contains(#""dropped":2500"#), "one GAP, over all batches")
    }

    @Test func aSharedBodyGoesWithItsLastItem() async throws {
        let members = try [alice] + (0..<20).map { _ in try database.addUser()[0] }
        let group = try database.addGroup(of: members)
        let large = String(repeating: "x", count: 60_000)
        _ = try send(daysAgo: 31, to: .group(group), large)
        let young = try send(daysAgo: 1, to: .group(group), large)
        #expect(try database.count(.countShared) == 2)
        try await sweep()
        #expect(try database.count(.countShared) == 1)
        #expect(try messages(members[20]) == [young])
    }

    @Test func theDaysOfSentMessagesMoveOn() async throws {
        try database.connection.execute(
            simple: """
                CREATE TABLE sent_messages_20200101 PARTITION OF sent_messages FOR VALUES FROM ('2020-01-01') TO ('2020-01-02');
                INSERT INTO sent_messages SELECT '2020-01-01', gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), '' FROM generate_series(1, 3);
                """, within: 10)
        _ = try send(daysAgo: 0)
        try await sweep()
        #expect(try database.count(.countSent) == 1)
        let days = try database.connection.execute(.days)[0].texts(0)
        #expect(days.count == 4, "yesterday, today and two days ahead: \(days)")
        #expect(!days.contains("sent_messages_20200101"))
        try await sweep()
        #expect(try database.connection.execute(.days)[0].texts(0) == days)
    }

    /// What they need is gone for the first one and for one in the middle.
    @Test func aSweepThatFailsLeavesTheOthersTheirWork() async throws {
        _ = try send(daysAgo: 31)
        try database.connection.execute(
            simple: """
                ALTER FUNCTION rotate_sent_messages RENAME TO gone;
                ALTER TABLE shared_items RENAME TO gone;
                UPDATE devices SET revoked_at = now() - interval '8 days' WHERE device_id = '\(bob[1].deviceId)'
                """, within: 10)
        #expect(try database.count(.countUndelivered) == 1)
        await retention.sweep()
        #expect(try database.count(.countUndelivered) == 0)
        #expect(try database.connection.execute(.tombstones).isEmpty)
        let failed = Sweep.allCases.filter { metrics.sweepFailures.value($0) > 0 }
        #expect(failed == [.days, .sharedItems])
        #expect(metrics.sweepFailures.value(.days) == 1)
        await retention.sweep()
        #expect(metrics.sweepFailures.value(.days) == 2, "it is tried again")
    }

    @Test func aDayStaysWhileSomebodyReadsAndSendsGoOn() throws {
        try database.connection.execute(
            simple: "CREATE TABLE sent_messages_20200101 PARTITION OF sent_messages FOR VALUES FROM ('2020-01-01') TO ('2020-01-02')", within: 10)
        let dump = try database.database.open()
        defer { dump.close() }
        try dump.execute(simple: "BEGIN; SELECT FROM sent_messages", within: 10)
        let sweeper = try Connection.open(database.database.conninfo, settings: DatabaseSettings.ofPool, within: 10)
        defer { sweeper.close() }
        try retention.prepare(on: sweeper)
        _ = try send(daysAgo: 0)
        #expect(try database.connection.execute(.days)[0].texts(0).contains("sent_messages_20200101"))
        try dump.execute(simple: "COMMIT", within: 10)
        try retention.prepare(on: sweeper)
        #expect(try !database.connection.execute(.days)[0].texts(0).contains("sent_messages_20200101"))
    }

    @Test func withoutItsPartitionsNothingCanBeSentAndPreparingMakesThem() throws {
        try database.connection.execute(
            simple:
                """
                DO $$ DECLARE day regclass; BEGIN
                    FOR day IN SELECT inhrelid FROM pg_inherits WHERE inhparent = 'sent_messages'::regclass LOOP
                        EXECUTE 'DROP TABLE ' || day;
                    END LOOP;
                END $$
                """,
            within: 10)
        #expect(throws: PostgresError.self) { try send(daysAgo: 0) }
        try retention.prepare(on: database.connection)
        _ = try send(daysAgo: 0)
    }

    @Test func whatWasWrittenForARemovedDeviceIsSwept() async throws {
        _ = try send(daysAgo: 0)
        try database.connection.execute(simple: "UPDATE devices SET revoked_at = now() WHERE device_id = '\(bob[0].deviceId)'", within: 10)
        try await sweep()
        #expect(try database.count(.countInbox) == 1)
        #expect(try database.read(bob[1]).items.count == 1)
    }

    @Test func aTombstoneStaysForAWeek() async throws {
        try database.connection.execute(
            simple: """
                UPDATE devices SET revoked_at = now() - interval '6 days' WHERE device_id = '\(bob[0].deviceId)';
                UPDATE devices SET revoked_at = now() - interval '8 days' WHERE device_id = '\(bob[1].deviceId)'
                """, within: 10)
        try await sweep()
        #expect(try database.connection.execute(.tombstones).map { try $0.uuid(0) } == [bob[0].deviceId])
    }

    @Test func spentPasswordsAndSessionsGo() async throws {
        try database.connection.execute(
            simple: """
                INSERT INTO one_time_passwords
                VALUES ('+1', '', 5, now(), now() - interval '2 hours'), ('+2', '', 5, now(), now() - interval '1 minute');
                INSERT INTO sessions (session_id, device_id, access_hash, refresh_hash, access_expires_at, refresh_expires_at)
                VALUES (gen_random_uuid(), '\(bob[0].deviceId)', 'a', 'b', now(), now() - interval '1 s'),
                    (gen_random_uuid(), '\(bob[0].deviceId)', 'c', 'd', now(), now() + interval '1 day');
                """, within: 10)
        try await sweep()
        let left = try database.connection.execute(.left)[0]
        #expect(try left.int64(0) == 1)
        #expect(try left.int64(1) == 1)
    }
}

extension Statement {
    fileprivate static let days = Statement(
        "test.days",
        """
        SELECT array_agg(relname::text ORDER BY relname) FROM pg_inherits JOIN pg_class ON oid = inhrelid
        WHERE inhparent = 'sent_messages'::regclass
        """
    )
    fileprivate static let tombstones = Statement("test.tombstones", "SELECT device_id FROM devices WHERE revoked_at IS NOT NULL")
    fileprivate static let left = Statement("test.left", "SELECT (SELECT count(*) FROM one_time_passwords), (SELECT count(*) FROM sessions)")
}
