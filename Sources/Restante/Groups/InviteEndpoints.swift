import HTTPServer
import JSON
import Postgres

/// Invites: who may hand one out, and how others join by it.
enum InviteEndpoints {
    static func createInvite(_ call: Call, _ services: Services) async throws -> Response {
        let (session, groupId) = try group(call)
        try services.rateLimiter.take(.groupChangesPerUser, for: .identifier(session.userId), noting: call)
        let code = try await services.invites.create(for: groupId, by: session)
        return .json(.object(["inviteCode": .string(code.text)]), status: 201)
    }

    static func revokeInvite(_ call: Call, _ services: Services) async throws -> Response {
        let (session, groupId) = try group(call)
        try services.rateLimiter.take(.groupChangesPerUser, for: .identifier(session.userId), noting: call)
        try await services.invites.revoke(for: groupId, by: session)
        return .noContent
    }

    static func joinGroup(_ call: Call, _ services: Services) async throws -> Response {
        let session = try call.session
        let reader = try RequestReader(call, members: ["inviteCode"])
        let code = InviteCode(shown: reader.string("inviteCode", characters: 1...100))
        try reader.finish()
        try services.rateLimiter.take(.groupJoinsPerDay, for: .identifier(session.userId), noting: call)
        let outcome = try await services.invites.join(by: code, session)
        services.mailroom.deliver(outcome.deliveries)
        return .json(outcome.group.json)
    }

    private static func group(_ call: Call) throws -> (session: Session, groupId: Identifier) {
        let session = try call.session
        let reader = try RequestReader(call, members: ["groupId"])
        let groupId = reader.identifier("groupId")
        try reader.finish()
        return (session, groupId)
    }
}
