import JSON
import Postgres

/// What became of messages; the raw value is the `status` on the wire.
enum ReceiptStatus: String, Sendable {
    case delivered, read, expired
}

extension InboxItem {
    /// The `RECEIPT` that tells a sender what became of messages at one recipient.
    ///
    /// The group commit's own statement renders `delivered` in SQL; the members are the same.
    static func receipt(_ messageId: Identifier, _ status: ReceiptStatus, of messageIds: [Identifier], from recipient: Identifier) -> InboxItem {
        let text = JSON.object([
            "type": .string("RECEIPT"),
            "status": .string(status.rawValue),
            "messageIds": .array(messageIds.map { .string($0.description) }),
            "from": .object(["userId": .string(recipient.description)]),
        ]).encoded()
        return InboxItem(messageId: messageId, text: Array(text.dropFirst()))
    }
}
