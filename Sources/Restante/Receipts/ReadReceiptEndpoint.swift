import HTTPServer
import JSON
import Postgres

/// `markRead`: tells a sender that the reader has seen messages. It acknowledges nothing.
enum ReadReceiptEndpoint {
    static func markRead(_ call: Call, _ services: Services) async throws -> Response {
        let session = try call.session
        let reader = try RequestReader(call, members: ["senderId", "messageIds"])
        let sender = reader.identifier("senderId")
        let messageIds = reader.identifiers("messageIds", count: 1...500)
        try reader.finish()
        let item = InboxItem(messageId: services.identifiers.next(), text: text(reader: session.userId, messageIds))
        services.mailroom.deliver(try await services.readReceipts.write(item, from: session.userId, to: sender))
        return .noContent
    }

    private static func text(reader: Identifier, _ messageIds: [Identifier]) -> [UInt8] {
        let text = JSON.object([
            "type": .string("RECEIPT"),
            "status": .string("read"),
            "messageIds": .array(messageIds.map { .string($0.description) }),
            "from": .object(["userId": .string(reader.description)]),
        ]).encoded()
        return Array(text.dropFirst())
    }
}
