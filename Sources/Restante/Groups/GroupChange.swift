import JSON
import Postgres

/// A change of a group, as the members' devices are told of it.
struct GroupChange: Sendable {
    /// What has changed; the raw value is the `change` on the wire.
    enum Kind: String, Sendable {
        case created, updated, memberAdded, memberJoined, memberRemoved, memberLeft, adminChanged
    }
    let kind: Kind
    let groupId: Identifier
    /// Whom it concerns; nil where it concerns the group as a whole.
    let userId: Identifier?
    let by: Identifier
    /// The group's after the change.
    let revision: Int64

    func item(_ messageId: Identifier) -> InboxItem {
        let text = JSON.object([
            "type": .string("GROUP"),
            "groupId": .string(groupId.description),
            "change": .string(kind.rawValue),
            "userId": userId.map { .string($0.description) },
            "by": .string(by.description),
            "revision": .integer(revision),
        ]).encoded()
        return InboxItem(messageId: messageId, text: Array(text.dropFirst()))
    }
}
