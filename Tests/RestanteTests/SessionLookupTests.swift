import Dispatch
import Postgres
import Testing

@testable import Restante

/// Looking tokens up on a real database: what is only noted by the way, or goes wrong for one, keeps nobody else waiting.
@Suite final class SessionLookupTests {
    private let database: PopulatedDatabase
    private let pool: Pool
    private let store: SessionStore
    private let lookup: SessionLookup

    init() throws {
        database = try PopulatedDatabase()
        // Without a time that the server lets a lock be waited for: who waits for one loses the session.
        pool = Pool(conninfo: database.database.conninfo, size: 1, name: "lookup")
        store = SessionStore(pool: pool, identifiers: database.identifiers, accessSeconds: 600, refreshSeconds: 6_000)
        lookup = SessionLookup(store: store, cache: SessionCache())
    }

    deinit {
        pool.close()
    }

    /// A new user's only session, and its access token; last seen an hour ago.
    private func addSession(isUsed: Bool = true) throws -> (session: Session, access: TokenHash) {
        let device = try database.addUser()[0]
        let new = try store.create(userId: device.userId, deviceId: device.deviceId, parent: nil, on: database.connection)
        if isUsed { try store.noteUse(of: [new.session.sessionId], on: database.connection) }
        try database.connection.execute(simple: "UPDATE devices SET last_seen_at = now() - interval '1 hour'", within: 10)
        return (new.session, TokenHash(new.tokens.access))
    }

    private func find(_ hash: TokenHash) async throws -> Session {
        try await Self.find(hash, lookup)
    }

    private static func find(_ hash: TokenHash, _ lookup: SessionLookup) async throws -> Session {
        try await withCheckedThrowingContinuation { continuation in lookup.find(hash) { continuation.resume(with: $0) } }
    }

    /// Looks these up in one batch.
    private func findAtOnce(_ hashes: [TokenHash]) async -> [TokenHash: Result<Session, any Error>] {
        let gate = DispatchSemaphore(value: 0)
        pool.submit { _ in gate.wait() }
        let (stream, answers) = AsyncStream.makeStream(of: (TokenHash, Result<Session, any Error>).self)
        for hash in hashes { lookup.find(hash) { answers.yield((hash, $0)) } }
        gate.signal()
        var found: [TokenHash: Result<Session, any Error>] = [:]
        for await (hash, answer) in stream {
            found[hash] = answer
            if found.count == hashes.count { break }
        }
        return found
    }

    /// A session of a test's own, in a transaction that has run this.
    private func holding(_ sql: String) throws -> Connection {
        let connection = try database.database.open()
        try connection.execute(simple: "BEGIN; \(sql)", within: 10)
        return connection
    }

    /// Whoever waited for the lock would have no answer, but a lost session.
    @Test func aDeviceThatSomebodyHoldsKeepsNobodyWaiting() async throws {
        let (held, other) = (try addSession(), try addSession())
        let holder = try holding("SELECT FROM devices WHERE device_id = '\(held.session.deviceId)' FOR UPDATE")
        defer { holder.close() }
        #expect(try await find(held.access) == held.session)
        #expect(try await find(other.access) == other.session)
    }

    @Test func aFirstUseThatCannotBeNotedFailsNobodyElse() async throws {
        let (new, other) = (try addSession(isUsed: false), try addSession())
        try database.connection.execute(
            simple: """
                CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE disk_full; END $$;
                CREATE TRIGGER refuse BEFORE UPDATE ON sessions EXECUTE FUNCTION refuse();
                CREATE TRIGGER refuse BEFORE UPDATE ON devices EXECUTE FUNCTION refuse();
                """, within: 10)
        let answers = await findAtOnce([new.access, other.access])
        #expect(throws: PostgresError.self) { try answers[new.access]?.get() }
        #expect(try answers[other.access]?.get() == other.session)
        try database.connection.execute(simple: "DROP TRIGGER refuse ON sessions", within: 10)
        #expect(try await find(new.access) == new.session, "the next time it is noted")
    }

    @Test func whoWaitsWhenASessionIsLostHasAnother() async throws {
        let first = try addSession().access
        let second = try addSession()
        let holder = try holding("LOCK TABLE sessions")
        defer { holder.close() }
        let lookup = lookup
        let lost = Task { try await SessionLookupTests.find(first, lookup) }
        try await awaitWaiter()
        let access = second.access
        let waiting = Task { try await SessionLookupTests.find(access, lookup) }
        await #expect(throws: PostgresError.self) { try await lost.value }
        try holder.execute(simple: "ROLLBACK", within: 10)
        #expect(try await waiting.value == second.session)
    }

    private func awaitWaiter() async throws {
        let deadline = Uptime.seconds() + 30
        while try database.count(.countWaiters) == 0 {
            try #require(Uptime.seconds() < deadline)
            try await Task.sleep(for: .milliseconds(10))
        }
    }
}

extension Statement {
    fileprivate static let countWaiters = Statement(
        "test.waiters", "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
}
