import Postgres

/// What came of a claim: the bundles, and what was put into the inboxes of devices whose keys run low.
struct KeyClaim: Sendable {
    /// As many bundles come with the refusal of a send; more are claimed by the asker.
    static let mostInline = 1000

    var bundles: [KeyBundle] = []
    var deliveries: [Delivery] = []
}

/// Claims hand keys out. A one-time key is given once, ever: it is gone with the claim's COMMIT, whether the answer arrives or not.
///
/// Claims are counted in the database, so that the count holds over nodes and restarts; where it cannot be had there is no claim.
extension KeyStore {
    /// The bundles of a user's devices, or of the one that is named. Throws 404 where there is no such user or device.
    func claim(of userId: Identifier, device deviceId: Identifier?, by claimer: Session) async throws -> KeyClaim {
        try await pool.transaction { connection in
            let found = try connection.execute(KeyStatements.find, [.uuid(userId), .optionalUUID(deviceId)])[0]
            guard try found.bool(0) else { throw KeyError.unknownUser }
            guard try found.bool(1) else { throw KeyError.unknownDevice }
            let targets = try connection.execute(
                KeyStatements.targets, [.uuid(userId), .optionalUUID(deviceId), .uuid(claimer.deviceId)]
            ).map { try $0.uuid(0) }
            return try claim(targets, by: claimer, on: connection)
        }
    }

    /// The bundles of these devices; those without keys are left out.
    func claim(_ devices: [Identifier], by claimer: Session) async throws -> KeyClaim {
        try await pool.transaction { try claim(devices, by: claimer, on: $0) }
    }

    private func claim(_ devices: [Identifier], by claimer: Session, on connection: Connection) throws -> KeyClaim {
        guard !devices.isEmpty else { return KeyClaim() }
        let most = Int64(limits[.keyClaimsPerDevice])
        let admitted = try connection.execute(KeyStatements.admit, [.uuids(devices), .uuid(claimer.userId), .int64(most)]).map { try $0.uuid(0) }
        _ = try connection.execute(KeyStatements.lockMany, [.uuids(admitted)])
        let taken = try take(of: admitted, on: connection)
        let bundles = try connection.execute(KeyStatements.bundles, [.uuids(devices)]).map { row in
            var bundle = try Self.bundle(row)
            let keys = taken[bundle.deviceId]
            bundle.oneTimePreKey = keys?.oneTime
            bundle.pqPreKey = keys?.postQuantum ?? bundle.pqPreKey
            return bundle
        }
        return KeyClaim(bundles: bundles, deliveries: try tellOfLowKeys(taken, on: connection))
    }

    private typealias Taken = [Identifier: (oneTime: PublicKey?, postQuantum: PublicKey?)]

    private func take(of devices: [Identifier], on connection: Connection) throws -> Taken {
        var taken = Taken()
        for row in try connection.execute(KeyStatements.take, [.uuids(devices)]) {
            let key = PublicKey(keyId: try row.int64(2), publicKey: try row.bytes(3), signature: try row.optionalBytes(4))
            let (device, isPostQuantum) = (try row.uuid(0), try row.bool(1))
            taken[device, default: (nil, nil)] =
                isPostQuantum ? (taken[device]?.oneTime, key) : (key, taken[device]?.postQuantum)
        }
        return taken
    }

    /// Puts KEYS_LOW into the inbox of each device whose keys fell below the mark by this claim.
    private func tellOfLowKeys(_ taken: Taken, on connection: Connection) throws -> [Delivery] {
        guard !taken.isEmpty else { return [] }
        let devices = taken.sorted { $0.key < $1.key }
        let low = try connection.execute(
            KeyStatements.noteLow,
            [
                .uuids(devices.map(\.key)), .bools(devices.map { $0.value.oneTime != nil }), .bools(devices.map { $0.value.postQuantum != nil }),
                .int64(KeyCounts.low),
            ])
        return try low.flatMap { row in
            let (deviceId, userId) = (try row.uuid(0), try row.uuid(1))
            let item = try Self.counts(of: deviceId, on: connection).item(identifiers.next())
            return try InboxStore.put(item, channel: userId, for: .devices([deviceId]), on: connection)
        }
    }

    private static func bundle(_ row: Row) throws -> KeyBundle {
        var bundle = KeyBundle(
            deviceId: try row.uuid(0), registrationId: try row.int64(1), identityKey: try row.bytes(2),
            signedPreKey: PublicKey(keyId: try row.int64(3), publicKey: try row.bytes(4), signature: try row.bytes(5)))
        if let keyId = try row.optionalInt64(6) {
            bundle.pqPreKey = PublicKey(keyId: keyId, publicKey: try row.bytes(7), signature: try row.bytes(8))
        }
        return bundle
    }
}
