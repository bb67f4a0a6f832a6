import HTTPServer
import JSON
import Postgres

/// Groups and their members.
enum GroupEndpoints {
    static func createGroup(_ call: Call, _ services: Services) async throws -> Response {
        let session = try call.session
        let reader = try RequestReader(call, members: ["name", "profileStatus", "memberIds"])
        let name = reader.string("name", characters: 1...100)
        let profileStatus = reader.optionalString("profileStatus", characters: 0...500) ?? ""
        // More than a group can hold is told apart from what is no list of ids at all.
        let memberIds = reader.optionalIdentifiers("memberIds", count: 0...100_000) ?? []
        try reader.finish()
        try services.rateLimiter.take(.groupsCreatedPerDay, for: .identifier(session.userId))
        let outcome = try await services.groups.create(name: name, profileStatus: profileStatus, memberIds: memberIds, by: session)
        services.mailroom.deliver(outcome.deliveries)
        return .json(outcome.group.json, status: 201)
    }

    static func addMember(_ call: Call, _ services: Services) async throws -> Response {
        let (session, groupId, userId) = try membership(call)
        let outcome = try await services.groups.add(userId, to: groupId, by: session)
        services.mailroom.deliver(outcome.deliveries)
        return .json(outcome.group.json)
    }

    static func removeMember(_ call: Call, _ services: Services) async throws -> Response {
        let (session, groupId, userId) = try membership(call)
        let outcome = try await services.groups.remove(userId, from: groupId, by: session)
        services.mailroom.deliver(outcome.deliveries)
        return .json(outcome.group.json)
    }

    static func leaveGroup(_ call: Call, _ services: Services) async throws -> Response {
        let session = try call.session
        let reader = try RequestReader(call, members: ["groupId"])
        let groupId = reader.identifier("groupId")
        try reader.finish()
        let outcome = try await services.groups.leave(groupId, by: session)
        services.mailroom.deliver(outcome.deliveries)
        return .noContent
    }

    static func fetchGroups(_ call: Call, _ services: Services) async throws -> Response {
        let session = try call.session
        let reader = QueryReader(call, parameters: ["limit", "after"])
        let limit = reader.integer("limit", in: 1...200, default: 100)
        let after = reader.optionalIdentifier("after") ?? .zero
        try reader.finish()
        let page = try await services.groups.list(of: session.userId, after: after, limit: limit)
        return .json(.object(["groups": .array(page.groups.map(\.json)), "hasMore": .boolean(page.hasMore)]))
    }

    static func fetchGroupMembers(_ call: Call, _ services: Services) async throws -> Response {
        let session = try call.session
        let reader = QueryReader(call, parameters: ["groupId", "limit", "after"])
        let groupId = reader.identifier("groupId")
        let limit = reader.integer("limit", in: 1...200, default: 100)
        let after = reader.optionalIdentifier("after") ?? .zero
        try reader.finish()
        let page = try await services.groups.members(of: groupId, for: session.userId, after: after, limit: limit)
        return .json(.object(["members": .array(page.members.map(\.json)), "hasMore": .boolean(page.hasMore)]))
    }

    private static func membership(_ call: Call) throws -> (session: Session, groupId: Identifier, userId: Identifier) {
        let session = try call.session
        let reader = try RequestReader(call, members: ["groupId", "userId"])
        let groupId = reader.identifier("groupId")
        let userId = reader.identifier("userId")
        try reader.finish()
        return (session, groupId, userId)
    }
}
