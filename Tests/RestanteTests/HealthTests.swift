import Postgres
import Testing

@testable import Restante

/// One test at a time, since each has database sessions of its own.
@Suite(.serialized) final class HealthTests {
    private let database: TestDatabase
    private let connection: Connection
    private let pool: Pool
    private let list: MigrationList

    init() throws {
        database = try TestDatabase()
        connection = try database.open()
        list = try MigrationList.embedded()
        try MigrationRunner(list, report: { _ in }).up(connection)
        pool = Pool(conninfo: database.conninfo, size: 2, settings: DatabaseSettings.ofPool, name: "test")
    }

    deinit {
        pool.close()
    }

    private func fault() async -> NotReady? {
        await #expect(throws: NotReady.self) { _ = try await Health(pool: self.pool, schema: self.list).check() }
    }

    @Test func aNodeWhoseSchemaIsTakenAwayIsNotReady() async throws {
        _ = try await Health(pool: pool, schema: list).check()
        try connection.execute(simple: "DELETE FROM schema_migrations WHERE version IN (2, 5)", within: 10)
        #expect(await fault() == .database("it lacks the migrations 2, 5"))
        try connection.execute(simple: "DROP TABLE schema_migrations", within: 10)
        let fault = await fault()
        #expect(fault?.problem.code == .unavailable, "and no fault of this program's")
    }

    @Test func aSchemaOfANewerProgramDoesNotTakeTheOlderNodesOut() async throws {
        try connection.execute(simple: "INSERT INTO schema_migrations (version, name, checksum) VALUES (9999, '9999_later', '')", within: 10)
        _ = try await Health(pool: pool, schema: list).check()
    }

    @Test func whoAsksAtTheSameTimeSharesOneLook() async throws {
        let health = Health(pool: pool, schema: list)
        _ = try await health.check()
        let before = pool.statistics.served
        try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<500 { group.addTask { try await health.check() } }
            try await group.waitForAll()
        }
        #expect(pool.statistics.served - before < 50, "the next look is a fifth of a second later")
    }

    @Test func aDrainingNodeIsNotReady() async {
        let health = Health(pool: pool, schema: list)
        health.startDraining()
        await #expect(throws: NotReady.draining) { _ = try await health.check() }
    }
}
