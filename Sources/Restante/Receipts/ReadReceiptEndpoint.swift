import HTTPServer
import Postgres

/// `markRead`: tells a sender that the reader has seen messages. It acknowledges nothing.
enum ReadReceiptEndpoint {
    static func markRead(_ call: Call, _ services: Services) async throws -> Response {
        let session = try call.session
        let reader = try RequestReader(call, members: ["senderId", "messageIds"])
        let sender = reader.identifier("senderId")
        let messageIds = reader.identifiers("messageIds", count: 0...services.limits[.acknowledgeIds])
        try reader.finish()
        guard !messageIds.isEmpty else { return .noContent }
        // It writes into the inboxes of somebody else, as a message does.
        try services.rateLimiter.take(.messagesPerDevice, for: .identifier(session.deviceId), noting: call)
        var named: Set<Identifier> = []
        let item = InboxItem.receipt(
            services.identifiers.next(), .read, of: messageIds.filter { named.insert($0).inserted }, from: session.userId)
        services.mailroom.deliver(try await services.readReceipts.write(item, from: session.userId, to: sender))
        return .noContent
    }
}
