import HTTPServer
import JSON
import Postgres

/// Blocking: nothing of the other one's arrives any more, and they cannot tell.
enum BlockEndpoints {
    static func blockUser(_ call: Call, _ services: Services) async throws -> Response {
        let session = try call.session
        try await services.blocks.block(try other(call, than: session), by: session.userId)
        return .noContent
    }

    static func unblockUser(_ call: Call, _ services: Services) async throws -> Response {
        let session = try call.session
        try await services.blocks.unblock(try other(call, than: session), by: session.userId)
        return .noContent
    }

    static func listBlockedUsers(_ call: Call, _ services: Services) async throws -> Response {
        let session = try call.session
        try QueryReader(call, parameters: []).finish()
        let blocked = try await services.blocks.list(of: session.userId)
        return .json(.object(["userIds": .array(blocked.map { .string($0.description) })]))
    }

    private static func other(_ call: Call, than session: Session) throws -> Identifier {
        let reader = try RequestReader(call, members: ["userId"])
        let userId = reader.identifier("userId")
        if userId == session.userId { reader.fault("userId", "Another user than the caller is expected.") }
        try reader.finish()
        return userId
    }
}
