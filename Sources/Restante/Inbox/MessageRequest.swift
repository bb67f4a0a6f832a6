import Crypto
import JSON
import Postgres

/// The decoded request of `sendMessage` and `sendGroupMessage`.
struct MessageRequest: Sendable {
    let target: Identifier
    let type: MessageType
    /// Empty where the message is encrypted.
    let content: String
    let ciphertexts: Ciphertexts?
    let clientMessageId: Identifier
    let media: MediaReference?
    let isForwarded: Bool
    let replyTo: Identifier?
    /// Seconds.
    let expiresIn: Int?

    private static let members = ["type", "content", "ciphertexts", "clientMessageId", "media", "forwarded", "replyTo", "expiresIn"]
    private static let expirySeconds = 60...2_592_000

    /// - Parameter targetName: the member that names the recipient: `to` or `groupId`.
    init(_ call: Call, targetName: String, limits: LimitTable) throws(Problem) {
        let reader = try RequestReader(call, members: [targetName] + Self.members + (targetName == "groupId" ? ["ciphertext"] : []))
        // Only ciphertexts may take more than other requests; that they are there is not known before the body is read.
        guard call.body.count <= limits[.requestBytes] || reader.has("ciphertexts") else { throw .tooLarge(maxBytes: limits[.requestBytes]) }
        target = reader.identifier(targetName)
        type = reader.choice("type", of: MessageType.self) ?? .text
        if type.isEphemeral {
            // Nothing of it is stored, so there is nothing to repeat: a clientMessageId is welcome and not needed.
            clientMessageId = reader.optionalIdentifier("clientMessageId") ?? .zero
            for name in Self.members + ["ciphertext"] where name != "type" && name != "clientMessageId" && reader.has(name) {
                reader.fault(name, "\(type.rawValue) has no \(name).")
            }
            (content, ciphertexts, media, isForwarded, replyTo, expiresIn) = ("", nil, nil, false, nil, nil)
        } else {
            clientMessageId = reader.identifier("clientMessageId")
            let isEncrypted = reader.has("ciphertexts") || reader.has("ciphertext")
            ciphertexts = Ciphertexts(reader)
            media = Self.media(reader, limits, isEncrypted: isEncrypted)
            // What is shown may say everything.
            content = isEncrypted || media != nil && !reader.has("content") ? "" : reader.content("content", maxBytes: limits[.contentBytes])
            if isEncrypted, reader.has("content") { reader.fault("content", "An encrypted message has no content.") }
            if reader.has("ciphertexts"), reader.has("ciphertext") { reader.fault("ciphertext", "One for all, or one for each?") }
            isForwarded = reader.boolean("forwarded") ?? false
            replyTo = reader.optionalIdentifier("replyTo")
            expiresIn = reader.optionalInteger("expiresIn", in: Self.expirySeconds)
        }
        try reader.finish()
    }

    private static func media(_ reader: RequestReader, _ limits: LimitTable, isEncrypted: Bool) -> MediaReference? {
        reader.optionalObject("media", members: ["mediaId", "caption"]) { media in
            if isEncrypted, media.has("caption") { media.fault("caption", "An encrypted message has its caption in the ciphertext.") }
            return MediaReference(
                mediaId: media.identifier("mediaId"), caption: media.optionalString("caption", characters: 0...limits[.captionCharacters]))
        }
    }

    /// The message as the writer takes it.
    func outgoing(from sender: Session, to target: OutgoingMessage.Target) -> OutgoingMessage {
        OutgoingMessage(
            sender: sender, target: target, clientMessageId: clientMessageId, fingerprint: fingerprint(to: target),
            body: body(from: sender, to: target), ciphertexts: ciphertexts, mediaId: media?.mediaId, expiresIn: expiresIn)
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

    /// The item's text after `direction` and `to`; where each device has a ciphertext of its own, what comes before that.
    private func body(from sender: Session, to target: OutgoingMessage.Target) -> [UInt8] {
        var group: JSON?
        if case .group(let identifier) = target { group = .string(identifier.description) }
        let text = JSON.object([
            "type": .string(type.rawValue),
            "from": Self.from(sender),
            "groupId": group,
            "clientMessageId": .string(clientMessageId.description),
            "content": ciphertexts == nil ? .string(content) : nil,
            "media": media.map(Self.json),
            "forwarded": isForwarded ? .boolean(true) : nil,
            "replyTo": replyTo.map { .string($0.description) },
            "expiresIn": expiresIn.map { .integer($0) },
        ]).encoded()
        return switch ciphertexts {
        case nil: Array(text.dropFirst())
        case .each: Array(text.dropFirst().dropLast())
        case .shared(let ciphertext): text.dropFirst().dropLast() + Ciphertexts.itemEnd(ciphertext)
        }
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
        if let ciphertexts {
            hash.update(data: [0xFE])
            ciphertexts.fingerprint { hash.update(data: $0) }
        }
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
