import Crypto
import JSON
import Postgres

/// The decoded request of `sendMessage` and `sendGroupMessage`.
struct MessageRequest: Sendable {
    let target: Identifier
    let type: MessageType
    let content: String
    let clientMessageId: Identifier
    let media: MediaReference?
    let isForwarded: Bool
    let replyTo: Identifier?
    /// Seconds.
    let expiresIn: Int?

    private static let members = ["type", "content", "clientMessageId", "media", "forwarded", "replyTo", "expiresIn"]
    private static let expirySeconds = 60...2_592_000

    /// - Parameter targetName: the member that names the recipient: `to` or `groupId`.
    init(_ call: Call, targetName: String, limits: LimitTable) throws(Problem) {
        let reader = try RequestReader(call, members: [targetName] + Self.members)
        target = reader.identifier(targetName)
        type = reader.choice("type", of: MessageType.self) ?? .text
        if type.isEphemeral {
            // Nothing of it is stored, so there is nothing to repeat: a clientMessageId is welcome and not needed.
            clientMessageId = reader.optionalIdentifier("clientMessageId") ?? .zero
            for name in Self.members where name != "type" && name != "clientMessageId" && reader.has(name) {
                reader.fault(name, "\(type.rawValue) has no \(name).")
            }
            (content, media, isForwarded, replyTo, expiresIn) = ("", nil, false, nil, nil)
        } else {
            clientMessageId = reader.identifier("clientMessageId")
            media = Self.media(reader, limits)
            // What is shown may say everything.
            content = media != nil && !reader.has("content") ? "" : reader.content("content", maxBytes: limits[.contentBytes])
            isForwarded = reader.boolean("forwarded") ?? false
            replyTo = reader.optionalIdentifier("replyTo")
            expiresIn = reader.optionalInteger("expiresIn", in: Self.expirySeconds)
        }
        try reader.finish()
    }

    private static func media(_ reader: RequestReader, _ limits: LimitTable) -> MediaReference? {
        reader.optionalObject("media", members: ["mediaId", "caption"]) { media in
            MediaReference(
                mediaId: media.identifier("mediaId"), caption: media.optionalString("caption", characters: 0...limits[.captionCharacters]))
        }
    }

    /// The message as the writer takes it.
    func outgoing(from sender: Session, to target: OutgoingMessage.Target) -> OutgoingMessage {
        OutgoingMessage(
            sender: sender, target: target, clientMessageId: clientMessageId, fingerprint: fingerprint(to: target),
            body: body(from: sender, to: target), mediaId: media?.mediaId, expiresIn: expiresIn)
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
            "media": media.map(Self.json),
            "forwarded": isForwarded ? .boolean(true) : nil,
            "replyTo": replyTo.map { .string($0.description) },
            "expiresIn": expiresIn.map { .integer($0) },
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
        // What comes before the content has a fixed form, and no content holds the byte that comes after it; so no two messages have the same bytes.
        text += content
        text.withUTF8 { hash.update(bufferPointer: UnsafeRawBufferPointer($0)) }
        if media != nil || expiresIn != nil {
            var rest = "\(media?.mediaId.description ?? "-") \(expiresIn ?? 0) \(media?.caption ?? "")"
            hash.update(data: [0xFF])
            rest.withUTF8 { hash.update(bufferPointer: UnsafeRawBufferPointer($0)) }
        }
        return Array(hash.finalize().prefix(16))
    }

    private static func json(_ media: MediaReference) -> JSON {
        .object(["mediaId": .string(media.mediaId.description), "caption": media.caption.map(JSON.string)])
    }

    private static func from(_ sender: Session) -> JSON {
        .object(["userId": .string(sender.userId.description), "deviceId": .string(sender.deviceId.description)])
    }
}
