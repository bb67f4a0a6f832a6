import HTTPServer
import JSON

/// `getAll`: what a new device of a user shows first.
enum ChatEndpoints {
    static func getAll(_ call: Call, _ services: Services) async throws -> Response {
        let session = try call.session
        try QueryReader(call, parameters: []).finish()
        let chats = try await services.chats.list(of: session.userId)
        let groups = try await services.groups.all(of: session.userId)
        return .json(.object(["chats": .array(chats.map(\.json)), "groups": .array(groups.map(\.json))]))
    }
}
