import JSON
import Postgres

/// What one user may know of another's presence.
struct LastSeen: Sendable {
    let userId: Identifier
    let isOnline: Bool
    let at: Timestamp

    var json: JSON {
        .object([
            "userId": .string(userId.description), "online": .boolean(isOnline), "lastSeenAt": .string(at.description),
        ])
    }

    /// The item of `ephemeral` that tells of a change.
    var ephemeralItem: [UInt8] {
        JSON.object([
            "type": .string("PRESENCE"), "userId": .string(userId.description), "online": .boolean(isOnline),
            "lastSeenAt": .string(at.description),
        ]).encoded()
    }
}
