import Postgres

/// What one node tells the others. All of it is a hint: a poll that missed one looks into the database by itself within 15 seconds, and who is present
/// where is said again within 25.
enum WakeEvent: Sendable, Equatable {
    /// Something was committed for these devices.
    case arrived([Identifier])
    /// An ephemeral item, a whole JSON object, for these devices.
    case shown([UInt8], [Identifier])
    /// This device polls here now: a poll that another node holds for it is superseded.
    case polling(Identifier)
    /// These devices are no more.
    case revoked([Identifier])
    /// These users are present at the node that says so.
    case present([Identifier])
    /// These users are present there no more.
    case absent([Identifier])
    /// This device says there whose presence it watches.
    case subscribed(Identifier)
}

/// Carries events from this node to the others.
protocol WakeBus: Sendable {
    /// Never blocks; may lose events.
    func publish(_ event: WakeEvent)
}

/// One node: there is nobody to tell.
struct ProcessWakeBus: WakeBus {
    func publish(_ event: WakeEvent) {}
}
