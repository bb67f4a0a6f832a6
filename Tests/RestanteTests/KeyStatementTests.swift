import Postgres
import Testing

@testable import Restante

/// The SQL of the key directory on a real database, two sessions at once where that matters.
@Suite struct KeyStatementTests {
    private let database: PopulatedDatabase
    private let alice: Session
    private let bob: Session

    init() throws {
        database = try PopulatedDatabase()
        alice = try database.addUser()[0]
        bob = try database.addUser()[0]
        try database.giveKeys(to: bob, oneTime: 3)
    }

    private func take(on connection: Connection) throws -> [Int64] {
        try connection.execute(KeyStatements.take, [.uuids([bob.deviceId])]).map { try $0.int64(2) }
    }

    @Test func whatAnotherTransactionHasTakenAndNotCommittedIsNotTakenAgain() throws {
        let other = try database.database.open()
        defer { other.close() }
        try other.execute(simple: "BEGIN", within: 10)
        #expect(try take(on: other) == [0])
        #expect(try take(on: database.connection) == [1])
        try other.execute(simple: "ROLLBACK", within: 10)
        #expect(try take(on: database.connection) == [0], "a claim that came to nothing has taken nothing")
        #expect(try take(on: database.connection) == [2])
        #expect(try take(on: database.connection) == [])
    }

    @Test func noBytesOfAKeyAreLeftOnceItIsHandedOut() throws {
        _ = try take(on: database.connection)
        let left = try database.connection.execute(.handedOut, [.uuid(bob.deviceId)])
        #expect(try left.map { try $0.int64(0) } == [0], "the id is remembered, the key is not")
    }

    @Test func aClaimIsForgottenAfterTenMinutes() throws {
        let admit: [Parameter] = [.uuids([bob.deviceId]), .uuid(alice.userId), .int64(2)]
        for isAdmitted in [true, true, false] { #expect(try database.connection.execute(KeyStatements.admit, admit).isEmpty != isAdmitted) }
        let age = """
            UPDATE key_claims
            SET claimed_at = ARRAY(SELECT at - interval '%' FROM unnest(claimed_at) AS at), latest_at = latest_at - interval '%'
            """
        try database.connection.execute(simple: age.replacing("%", with: "590 seconds"), within: 10)
        #expect(try database.connection.execute(KeyStatements.admit, admit).isEmpty)
        try KeyStore.expireClaims(on: database.connection)
        #expect(try database.connection.execute(KeyStatements.admit, admit).isEmpty, "it still counts")
        try database.connection.execute(simple: age.replacing("%", with: "11 seconds"), within: 10)
        #expect(try !database.connection.execute(KeyStatements.admit, admit).isEmpty)
        try database.connection.execute(simple: age.replacing("%", with: "601 seconds"), within: 10)
        try KeyStore.expireClaims(on: database.connection)
        #expect(try database.count(.countClaims) == 0)
    }

    @Test func nothingIsAdmittedForADeviceThatIsNoMore() throws {
        try database.connection.execute(simple: "UPDATE devices SET revoked_at = now() WHERE device_id = '\(bob.deviceId)'", within: 10)
        #expect(try database.connection.execute(KeyStatements.admit, [.uuids([bob.deviceId]), .uuid(alice.userId), .int64(6)]).isEmpty)
        #expect(try database.connection.execute(KeyStatements.bundles, [.uuids([bob.deviceId])]).isEmpty)
    }

    @Test func nothingOfADeletedAccountIsLeft() throws {
        _ = try database.connection.execute(KeyStatements.admit, [.uuids([bob.deviceId]), .uuid(alice.userId), .int64(6)])
        try database.connection.execute(simple: "DELETE FROM users WHERE user_id = '\(bob.userId)'", within: 10)
        #expect(try database.count(.countKeys) == 0)
        #expect(try database.count(.countClaims) == 0)
    }
}

extension PopulatedDatabase {
    /// Gives a device keys of which the bytes mean nothing.
    func giveKeys(to device: Session, oneTime count: Int = 0, registrationId: Int64 = 1) throws {
        let key: Parameter = .optionalBytes([1])
        _ = try connection.execute(KeyStatements.enter, [.uuid(device.deviceId)])
        _ = try connection.execute(
            KeyStatements.set,
            [
                .uuid(device.deviceId), .optionalInt64(registrationId), key, .optionalInt64(1), key, key, .optionalInt64(nil), .optionalBytes(nil),
                .optionalBytes(nil),
            ])
        guard count > 0 else { return }
        _ = try connection.execute(
            KeyStatements.add,
            [
                .uuid(device.deviceId), .bools(Array(repeating: false, count: count)), .int64s((0..<count).map(Int64.init)),
                .byteArrays(Array(repeating: [1], count: count)), .optionalByteArrays(Array(repeating: nil, count: count)),
            ])
    }
}

extension Statement {
    fileprivate static let handedOut = Statement(
        "test.handed_out",
        "SELECT key_id FROM one_time_keys WHERE device_id = $1::uuid AND public_key IS NULL AND signature IS NULL ORDER BY key_id")
    fileprivate static let countKeys = Statement(
        "test.count_keys", "SELECT (SELECT count(*) FROM device_keys) + (SELECT count(*) FROM one_time_keys)")
    fileprivate static let countClaims = Statement("test.count_claims", "SELECT count(*) FROM key_claims")
}
