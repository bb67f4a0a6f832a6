import Testing

@testable import Postgres
@testable import Restante

@Suite struct InboxSamplingTests {
    @Test func aSmallInboxIsCountedExactly() async throws {
        let database = try PopulatedDatabase()
        let pool = Pool(conninfo: database.database.conninfo, size: 1, name: "test")
        defer { pool.close() }
        let sampling = InboxSampling(pool: pool)
        #expect(sampling.current == nil, "nobody has looked yet")
        try await sampling.look()
        #expect(sampling.current?.rows == 0)
        #expect(sampling.current?.oldest == 0)

        let users = try (0..<2).map { _ in try database.addUser()[0] }
        for _ in 0..<25 { try database.send(database.message(from: users[0], to: .user(users[1].userId))) }
        try database.connection.execute(
            simple: "UPDATE inbox SET message_id = first_id_of(now() - interval '1 hour') WHERE message_id = (SELECT message_id FROM inbox LIMIT 1)",
            within: 5)
        try await sampling.look()
        let sample = try #require(sampling.current)
        #expect(sample.rows == 25)
        #expect((3_599...3_700).contains(sample.oldest))
    }

    @Test func aLargeInboxIsEstimated() async throws {
        let database = try PopulatedDatabase()
        // 20,000 rows of half a kilobyte are some 1,300 pages, of which about a thousand are read.
        try database.connection.execute(
            simple: """
                INSERT INTO inbox (device_id, message_id, channel_id, item, receipt_due)
                SELECT gen_random_uuid(), first_id_of(now()), gen_random_uuid(), convert_to(repeat('x', 480), 'UTF8'), 0
                FROM generate_series(1, 20000)
                """, within: 20)
        let pool = Pool(conninfo: database.database.conninfo, size: 1, name: "test")
        defer { pool.close() }
        let sampling = InboxSampling(pool: pool)
        try await sampling.look()
        let sample = try #require(sampling.current)
        #expect((15_000...25_000).contains(sample.rows))
    }
}
