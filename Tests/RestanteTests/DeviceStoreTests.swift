import Postgres
import Testing

@testable import Restante

/// Removing a device, on a real database: whatever lies in its inbox, it is removed.
/// One test at a time, since each has database sessions of its own.
@Suite(.serialized) final class DeviceStoreTests {
    private let database: PopulatedDatabase
    private let pool: Pool
    private let devices: DeviceStore
    private let anna: [Session]

    init() throws {
        database = try PopulatedDatabase()
        anna = try database.addUser(devices: 2)
        pool = Pool(conninfo: database.database.conninfo, size: 2, settings: DatabaseSettings.ofPool, name: "devices")
        devices = DeviceStore(pool: pool, identifiers: database.identifiers)
    }

    deinit {
        pool.close()
    }

    private func fill(_ session: Session, _ count: Int) throws {
        try database.connection.execute(
            simple: """
                INSERT INTO inbox SELECT '\(session.deviceId)', gen_random_uuid(), '\(session.userId)', NULL, 0, 'x' FROM generate_series(1, \(count))
                """, within: 10)
    }

    private func isRevoked(_ session: Session) throws -> Bool {
        try database.connection.execute(.isRevoked, [.uuid(session.deviceId)])[0].bool(0)
    }

    @Test func aFullInboxIsClearedInPortions() async throws {
        try fill(anna[0], 1_700)
        try fill(anna[1], 3)
        try await devices.remove(anna[0].deviceId, of: anna[0].userId)
        #expect(try database.count(.countInbox) == 1_703, "the removal itself does not touch it")
        await devices.clearInbox(of: anna[0].deviceId)
        #expect(try database.count(.countInbox) == 3)
    }

    @Test func aPortionIsWhatOneTransactionTakes() throws {
        try fill(anna[0], 700)
        let connection = database.connection
        #expect(try InboxStore.clear(of: [anna[0].deviceId], on: connection))
        #expect(try database.count(.countInbox) == 200)
        #expect(try InboxStore.clear(of: [anna[0].deviceId], on: connection))
        #expect(try !InboxStore.clear(of: [anna[0].deviceId], on: connection))
    }

    /// As a full one is, until it is cleared.
    @Test func aDeviceIsRemovedThoughItsInboxIsHeldAndTheRestFollowsByTheSweep() async throws {
        try fill(anna[0], 10)
        let other = try database.database.open()
        defer { other.close() }
        try other.execute(simple: "BEGIN; SELECT FROM inbox FOR UPDATE", within: 10)
        try await devices.remove(anna[0].deviceId, of: anna[0].userId)
        #expect(try isRevoked(anna[0]))
        await devices.clearInbox(of: anna[0].deviceId)
        #expect(try database.count(.countInbox) == 10)
        try other.execute(simple: "ROLLBACK", within: 10)
        try database.connection.execute(simple: "UPDATE devices SET revoked_at = now() - interval '2 days' WHERE revoked_at IS NOT NULL", within: 10)
        await Retention(pool: pool, days: 30, idempotencyHours: 24, failures: .silent).sweep()
        #expect(try database.count(.countInbox) == 0)
    }
}

extension Statement {
    fileprivate static let isRevoked = Statement("test.is_revoked", "SELECT revoked_at IS NOT NULL FROM devices WHERE device_id = $1::uuid")
}
