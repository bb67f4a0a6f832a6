import HTTPServer
import JSON
import Postgres

/// `fetchMessages`, both ways, and `acknowledge`.
enum FetchEndpoints {
    static func fetchMessages(_ call: Call, _ reply: Reply, _ services: Services) throws {
        let session = try call.session
        let reader = QueryReader(call, parameters: ["wait", "limit", "after", "fromTimestamp", "channelId"])
        let wait = reader.integer("wait", in: 0...services.limits[.pollSeconds], default: 0)
        let limit = reader.integer("limit", in: 1...services.limits[.inboxItems], default: min(100, services.limits[.inboxItems]))
        let after = reader.optionalIdentifier("after")
        let from = reader.optionalTimestamp("fromTimestamp")
        let channel = reader.optionalIdentifier("channelId")
        try reader.finish()
        let query = InboxQuery(limit: limit, after: max(after ?? .zero, from?.firstIdentifier.predecessor ?? .zero), channel: channel)
        try services.mailroom.fetch(InboxVisit(device: session, read: query), wait: wait, reply: reply)
    }

    static func acknowledgeAndFetch(_ call: Call, _ reply: Reply, _ services: Services) throws {
        let session = try call.session
        let reader = try RequestReader(call, members: ["acknowledge", "wait", "limit"])
        let acknowledge = reader.optionalIdentifiers("acknowledge", count: 0...services.limits[.acknowledgeIds]) ?? []
        let wait = reader.integer("wait", in: 0...services.limits[.pollSeconds], default: 0)
        let limit = reader.integer("limit", in: 1...services.limits[.inboxItems], default: min(100, services.limits[.inboxItems]))
        try reader.finish()
        let visit = InboxVisit(device: session, acknowledge: acknowledge, read: InboxQuery(limit: limit))
        try services.mailroom.fetch(visit, wait: wait, reply: reply)
    }

    static func acknowledge(_ call: Call, _ reply: Reply, _ services: Services) throws {
        let session = try call.session
        let reader = try RequestReader(call, members: ["messageIds"])
        let messageIds = reader.identifiers("messageIds", count: 0...services.limits[.acknowledgeIds])
        try reader.finish()
        try services.mailroom.visit(InboxVisit(device: session, acknowledge: messageIds)) { result in
            switch result {
            case .success(let outcome): reply.send(.json(.object(["acknowledged": .integer(outcome.acknowledged)])))
            case .failure(let error): reply.fail(error)
            }
        }
    }
}

extension Identifier {
    /// The next smaller one; the smallest has none and stays.
    var predecessor: Identifier {
        if low > 0 { return Identifier(high: high, low: low - 1) }
        return high > 0 ? Identifier(high: high - 1, low: .max) : self
    }
}
