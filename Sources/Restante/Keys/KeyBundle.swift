import JSON
import Postgres

/// A public key of which a device has several at a time, told apart by the ids that the device gives them.
struct PublicKey: Sendable, Equatable {
    let keyId: Int64
    let publicKey: [UInt8]
    /// By the device's identity key; one-time keys on elliptic curves have none.
    let signature: [UInt8]?

    var json: JSON {
        .object([
            "keyId": .integer(keyId),
            "publicKey": .string(Base64.encode(publicKey)),
            "signature": signature.map { .string(Base64.encode($0)) },
        ])
    }
}

/// What one needs to begin a session with a device that is not there to answer. Source: Signal, "The X3DH Key Agreement Protocol", section 3.2, and
/// "The PQXDH Key Agreement Protocol", section 3.2.
struct KeyBundle: Sendable {
    let deviceId: Identifier
    /// Which installation of the device the keys belong to.
    let registrationId: Int64
    let identityKey: [UInt8]
    let signedPreKey: PublicKey
    /// Handed out to this one asker.
    var oneTimePreKey: PublicKey?
    /// One that was handed out to this one asker, or the one for when there is no such left.
    var pqPreKey: PublicKey?

    var json: JSON {
        .object([
            "deviceId": .string(deviceId.description),
            "registrationId": .integer(registrationId),
            "identityKey": .string(Base64.encode(identityKey)),
            "signedPreKey": signedPreKey.json,
            "oneTimePreKey": oneTimePreKey?.json,
            "pqPreKey": pqPreKey?.json,
        ])
    }
}

/// How many one-time keys of a device have not been handed out yet.
struct KeyCounts: Sendable, Equatable {
    /// Below this the device is told to bring more.
    static let low: Int64 = 20

    var oneTime: Int64 = 0
    var postQuantum: Int64 = 0

    var json: JSON {
        .object(["oneTimePreKeyCount": .integer(oneTime), "pqOneTimePreKeyCount": .integer(postQuantum)])
    }

    /// What tells a device that its keys run low.
    func item(_ messageId: Identifier) -> InboxItem {
        let text = JSON.object([
            "type": .string("KEYS_LOW"), "oneTimePreKeyCount": .integer(oneTime), "pqOneTimePreKeyCount": .integer(postQuantum),
        ]).encoded()
        return InboxItem(messageId: messageId, text: Array(text.dropFirst()))
    }
}

/// Why an operation on keys is refused.
enum KeyError: ProblemConvertible {
    /// At these places of the request.
    case clash([Problem.Fault])
    case unknownUser
    case unknownDevice
    case deviceRevoked
    case tooManyKeys
    case devicesChanged(DeviceChanges, [KeyBundle])

    var problem: Problem {
        switch self {
        case .clash(let faults):
            var problem = Problem(.keyIdClash)
            problem.faults = faults
            return problem
        case .unknownUser: return Problem(.notFound, detail: "There is no such user.")
        case .unknownDevice: return Problem(.notFound, detail: "This user has no such device.")
        case .deviceRevoked: return Problem(.sessionRevoked)
        case .devicesChanged(let changes, let bundles):
            var problem = Problem(.devicesChanged)
            let list = { (devices: [Identifier]) in JSON.array(devices.map { .string($0.description) }) }
            problem.devices = Problem.Devices(
                missing: list(changes.missing), extra: list(changes.extra), stale: list(changes.stale), bundles: .array(bundles.map(\.json)))
            return problem
        case .tooManyKeys: return .rateLimited(scope: LimitName.oneTimeKeysPerDevice.rawValue, retryAfter: 3600)
        }
    }
}
