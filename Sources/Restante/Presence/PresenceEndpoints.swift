import HTTPServer
import JSON
import Postgres

/// Signs of life, and who may see them.
enum PresenceEndpoints {
    static let mostAsked = 100
    static let mostWatched = 200
    /// Seconds that a subscription lasts.
    static let subscriptionSeconds = 60...86_400
    static let usualSubscriptionSeconds = 3_600

    /// The request itself is the sign of life, and was noted when it was admitted.
    static func heartbeat(_ call: Call, _ services: Services) throws -> Response {
        try RequestReader(call, members: []).finish()
        return .noContent
    }

    static func getLastSeen(_ call: Call, _ services: Services) async throws -> Response {
        let session = try call.session
        let reader = QueryReader(call, parameters: [], repeatable: ["userId"])
        let users = reader.identifiers("userId", count: 1...mostAsked)
        try reader.finish()
        let found = try await services.presence.find(users, for: session.userId)
        // In the order in which they were asked for, each once.
        var left = Dictionary(found.map { ($0.userId, $0) }) { first, _ in first }
        return .json(.object(["users": .array(users.compactMap { left.removeValue(forKey: $0)?.json })]))
    }

    static func subscribe(_ call: Call, _ services: Services) throws -> Response {
        let session = try call.session
        let reader = try RequestReader(call, members: ["userIds", "expiresIn"])
        let users = reader.identifiers("userIds", count: 0...mostWatched)
        let seconds = reader.integer("expiresIn", in: subscriptionSeconds, default: usualSubscriptionSeconds)
        try reader.finish()
        services.presence.subscribe(session, to: users, seconds: seconds)
        return .noContent
    }
}
