import Crypto
import JSON
import Postgres

/// What a message can be.
enum MessageType: String, CaseIterable, Sendable {
    case text = "TEXT"
    case typing = "TYPING"
    case untyped = "UNTYPED"

    /// Kept in memory only, shown to who is there, and lost otherwise.
    var isEphemeral: Bool { self != .text }
}

/// The decoded request of `sendMessage` and `sendGroupMessage`.
struct MessageRequest: Sendable {
    let target: Identifier
    let type: MessageType
    let content: String
    let clientMessageId: Identifier
    let isForwarded: Bool
    let replyTo: Identifier?

    /// - Parameter targetName: the member that names the recipient: `to` or `groupId`.
    init(_ call: Call, targetName: String, limits: LimitTable) throws(Problem) {
        let reader = try RequestReader(call, members: [targetName, "type", "content", "clientMessageId", "forwarded", "replyTo"])
        target = reader.identifier(targetName)
        type = reader.choice("type", of: MessageType.self) ?? .text
        if type.isEphemeral {
            // Nothing of it is stored, so there is nothing to repeat: a clientMessageId is welcome and not needed.
            clientMessageId = reader.optionalIdentifier("clientMessageId") ?? .zero
            for name in ["content", "forwarded", "replyTo"] where reader.has(name) { reader.fault(name, "\(type.rawValue) has no \(name).") }
            (content, isForwarded, replyTo) = ("", false, nil)
        } else {
            clientMessageId = reader.identifier("clientMessageId")
            content = reader.content("content", maxBytes: limits[.contentBytes])
            isForwarded = reader.boolean("forwarded") ?? false
            replyTo = reader.optionalIdentifier("replyTo")
        }
        try reader.finish()
    }

    /// The message as the writer takes it.
    func outgoing(from sender: Session, to target: OutgoingMessage.Target) -> OutgoingMessage {
        OutgoingMessage(
            sender: sender, target: target, clientMessageId: clientMessageId, fingerprint: fingerprint(to: target),
            body: body(from: sender, to: target))
    }

    /// A signal that is shown, never stored: a whole JSON object.
    func ephemeralItem(from sender: Session, group: Identifier?, at time: Timestamp) -> [UInt8] {
        JSON.object([
            "type": .string(type.rawValue),
            "from": Self.from(sender),
            "groupId": group.map { .string($0.description) },
            "sentAt": .string(time.description),
        ]).encoded()
    }

    /// The item's text after `direction` and `to`.
    private func body(from sender: Session, to target: OutgoingMessage.Target) -> [UInt8] {
        var group: JSON?
        if case .group(let identifier) = target { group = .string(identifier.description) }
        let text = JSON.object([
            "type": .string(type.rawValue),
            "from": Self.from(sender),
            "groupId": group,
            "clientMessageId": .string(clientMessageId.description),
            "content": .string(content),
            "forwarded": isForwarded ? .boolean(true) : nil,
            "replyTo": replyTo.map { .string($0.description) },
        ]).encoded()
        return Array(text.dropFirst())
    }

    /// Half of a SHA-256 over all that the message says: it tells a repeated send from another one under the same clientMessageId.
    private func fingerprint(to target: OutgoingMessage.Target) -> [UInt8] {
        var hash = SHA256()
        var text = "\(type.rawValue) \(isForwarded) \(replyTo?.description ?? "-") "
        switch target {
        case .user(let user): text += "user \(user) "
        case .group(let group): text += "group \(group) "
        }
        // What comes before the content has a fixed form, so no two messages have the same bytes.
        text += content
        text.withUTF8 { hash.update(bufferPointer: UnsafeRawBufferPointer($0)) }
        return Array(hash.finalize().prefix(16))
    }

    private static func from(_ sender: Session) -> JSON {
        .object(["userId": .string(sender.userId.description), "deviceId": .string(sender.deviceId.description)])
    }
}
