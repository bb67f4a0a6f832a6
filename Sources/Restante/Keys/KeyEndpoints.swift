import HTTPServer
import JSON
import Postgres

/// The key directory over HTTP: a device uploads its own keys, and claims those of others.
enum KeyEndpoints {
    static func uploadKeys(_ call: Call, _ services: Services) async throws -> Response {
        let session = try call.session
        let upload = try KeyUpload(call)
        try services.rateLimiter.take(.keyUploadsPerDevice, for: .identifier(session.deviceId), noting: call)
        return .json(try await services.keys.upload(upload, of: session).json)
    }

    static func claimKeys(_ call: Call, _ services: Services) async throws -> Response {
        let session = try call.session
        let reader = try RequestReader(call, members: ["userId", "deviceId"])
        let userId = reader.identifier("userId")
        let deviceId = reader.optionalIdentifier("deviceId")
        try reader.finish()
        try services.rateLimiter.take(.keyClaimsPerUser, for: .identifier(session.userId), noting: call)
        let claim = try await services.keys.claim(of: userId, device: deviceId, by: session)
        services.mailroom.deliver(claim.deliveries)
        return .json(.object(["devices": .array(claim.bundles.map(\.json))]))
    }

    static func countKeys(_ call: Call, _ services: Services) async throws -> Response {
        let session = try call.session
        try QueryReader(call, parameters: []).finish()
        return .json(try await services.keys.counts(of: session.deviceId).json)
    }
}
