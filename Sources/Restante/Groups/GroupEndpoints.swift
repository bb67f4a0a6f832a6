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
        try services.rateLimiter.take(.groupsCreatedPerDay, for: .identifier(session.userId), noting: call)
        return tell(
            try await services.groups.create(name: name, profileStatus: profileStatus, memberIds: memberIds, by: session), services, status: 201)
    }

    static func updateGroup(_ call: Call, _ services: Services) async throws -> Response {
        let session = try call.session
        let reader = try RequestReader(call, members: ["groupId", "name", "profileStatus"])
        let groupId = reader.identifier("groupId")
        let name = reader.optionalString("name", characters: 1...100)
        let profileStatus = reader.optionalString("profileStatus", characters: 0...500)
        try reader.finish()
        try services.rateLimiter.take(.groupChangesPerUser, for: .identifier(session.userId), noting: call)
        return tell(try await services.groups.update(groupId, name: name, profileStatus: profileStatus, by: session), services)
    }

    static func addMember(_ call: Call, _ services: Services) async throws -> Response {
        let (session, groupId, userId) = try membership(call)
        try services.rateLimiter.take(.groupChangesPerUser, for: .identifier(session.userId), noting: call)
        return tell(try await services.groups.add(userId, to: groupId, by: session), services)
    }

    static func removeMember(_ call: Call, _ services: Services) async throws -> Response {
        let (session, groupId, userId) = try membership(call)
        try services.rateLimiter.take(.groupChangesPerUser, for: .identifier(session.userId), noting: call)
        return tell(try await services.groups.remove(userId, from: groupId, by: session), services)
    }

    static func setAdmin(_ call: Call, _ services: Services) async throws -> Response {
        let session = try call.session
        let reader = try RequestReader(call, members: ["groupId", "userId", "isAdmin"])
        let groupId = reader.identifier("groupId")
        let userId = reader.identifier("userId")
        let isAdmin = reader.requiredBoolean("isAdmin")
        try reader.finish()
        try services.rateLimiter.take(.groupChangesPerUser, for: .identifier(session.userId), noting: call)
        return tell(try await services.groups.setAdmin(userId, of: groupId, to: isAdmin, by: session), services)
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
        let limit = reader.integer("limit", in: 1...services.limits[.pageItems], default: min(100, services.limits[.pageItems]))
        let after = reader.optionalIdentifier("after") ?? .zero
        try reader.finish()
        let page = try await services.groups.list(of: session.userId, after: after, limit: limit)
        return .json(.object(["groups": .array(page.groups.map(\.json)), "hasMore": .boolean(page.hasMore)]))
    }

    static func fetchGroupMembers(_ call: Call, _ services: Services) async throws -> Response {
        let session = try call.session
        let reader = QueryReader(call, parameters: ["groupId", "limit", "after"])
        let groupId = reader.identifier("groupId")
        let limit = reader.integer("limit", in: 1...services.limits[.pageItems], default: min(100, services.limits[.pageItems]))
        let after = reader.optionalIdentifier("after") ?? .zero
        try reader.finish()
        let page = try await services.groups.members(of: groupId, for: session.userId, after: after, limit: limit)
        return .json(.object(["members": .array(page.members.map(\.json)), "hasMore": .boolean(page.hasMore)]))
    }

    /// Wakes the members' polls, and answers with the group as it is now.
    private static func tell(_ outcome: GroupOutcome, _ services: Services, status: Int = 200) -> Response {
        services.mailroom.deliver(outcome.deliveries)
        return .json(outcome.group.json, status: status)
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
