import Postgres

/// The key directory: what the devices have uploaded, and what is left of it.
///
/// A device "has keys" once it has a registration id, an identity key and a signed prekey. An identity key other than the one before is a new beginning:
/// all that belonged to the old one goes with it, one-time keys and the memory of their ids included, because nobody could use them any more.
struct KeyStore: Sendable {
    let pool: Pool
    let identifiers: IdentifierGenerator
    let limits: LimitTable

    /// Takes what a device uploads. Keys whose ids are taken throw `clash`, once all others are stored.
    func upload(_ upload: KeyUpload, of device: Session) async throws -> KeyCounts {
        let outcome = try await pool.transaction { connection -> (counts: KeyCounts, clashes: [Problem.Fault]) in
            try begin(upload, of: device.deviceId, on: connection)
            let clashes = try add(upload, of: device.deviceId, on: connection)
            let counts = try Self.counts(of: device.deviceId, on: connection)
            let most = Int64(limits[.oneTimeKeysPerDevice])
            if !upload.oneTimeKeys.isEmpty, counts.oneTime > most || counts.postQuantum > most { throw KeyError.tooManyKeys }
            let values: [Parameter] = [.uuid(device.deviceId), .int64(KeyCounts.low), .int64(counts.oneTime), .int64(counts.postQuantum)]
            _ = try connection.execute(KeyStatements.rearm, values)
            return (counts, clashes)
        }
        guard outcome.clashes.isEmpty else { throw KeyError.clash(outcome.clashes) }
        return outcome.counts
    }

    func counts(of deviceId: Identifier) async throws -> KeyCounts {
        try await pool.run { try Self.counts(of: deviceId, on: $0) }
    }

    /// Takes the keys of a device that is no more, in the transaction that ends it.
    static func clear(of deviceId: Identifier, on connection: Connection) throws(PostgresError) {
        _ = try connection.execute(KeyStatements.clear, [.uuid(deviceId)])
        _ = try connection.execute(KeyStatements.forgetClaims, [.uuid(deviceId)])
    }

    /// Forgets the claims that no longer count.
    static func expireClaims(on connection: Connection) throws(PostgresError) {
        _ = try connection.execute(KeyStatements.expireClaims, within: 10)
    }

    static func counts(of deviceId: Identifier, on connection: Connection) throws(PostgresError) -> KeyCounts {
        let row = try connection.execute(KeyStatements.count, [.uuid(deviceId)])[0]
        return KeyCounts(oneTime: try row.int64(0), postQuantum: try row.int64(1))
    }
}

extension KeyStore {
    /// Stores all of which a device has one, and holds its keys.
    private func begin(_ upload: KeyUpload, of deviceId: Identifier, on connection: Connection) throws {
        guard try !connection.execute(KeyStatements.holdDevice, [.uuid(deviceId)]).isEmpty else { throw KeyError.deviceRevoked }
        _ = try connection.execute(KeyStatements.enter, [.uuid(deviceId)])
        let stored = try connection.execute(KeyStatements.lock, [.uuid(deviceId)])[0].optionalBytes(0)
        if let stored, let new = upload.identityKey, stored != new {
            _ = try connection.execute(KeyStatements.startOver, [.uuid(deviceId)])
            _ = try connection.execute(KeyStatements.dropOneTimeKeys, [.uuid(deviceId)])
        }
        let (signed, lastResort) = (upload.signedPreKey, upload.pqLastResortPreKey)
        _ = try connection.execute(
            KeyStatements.set,
            [
                .uuid(deviceId), .optionalInt64(upload.registrationId), .optionalBytes(upload.identityKey),
                .optionalInt64(signed?.keyId), .optionalBytes(signed?.publicKey), .optionalBytes(signed?.signature),
                .optionalInt64(lastResort?.keyId), .optionalBytes(lastResort?.publicKey), .optionalBytes(lastResort?.signature),
            ])
    }

    /// Adds the one-time keys; the faults of those whose ids are taken.
    private func add(_ upload: KeyUpload, of deviceId: Identifier, on connection: Connection) throws -> [Problem.Fault] {
        let keys = upload.oneTimeKeys
        guard !keys.isEmpty else { return [] }
        let values: [Parameter] = [
            .uuid(deviceId), .bools(keys.map(\.isPostQuantum)), .int64s(keys.map(\.key.keyId)), .byteArrays(keys.map(\.key.publicKey)),
            .optionalByteArrays(keys.map(\.key.signature)),
        ]
        _ = try connection.execute(KeyStatements.add, values)
        return try connection.execute(KeyStatements.clashes, values).map { row in
            let key = keys[Int(try row.int64(0)) - 1]
            return Problem.Fault(place: .member(key.pointer), detail: "The keyId \(key.key.keyId) was handed out, or is another key's.")
        }
    }
}
