import HTTPServer
import JSON
import Postgres

/// Profiles, settings, contacts and devices.
enum UserEndpoints {
    static func getUser(_ call: Call, _ services: Services) async throws -> Response {
        let session = try call.session
        let reader = QueryReader(call, parameters: ["userId"])
        let userId = reader.optionalIdentifier("userId") ?? session.userId
        try reader.finish()
        do {
            return .json(try await services.users.find(userId).json(forOwner: userId == session.userId))
        } catch AccountError.unknownUser where userId == session.userId {
            // The account was deleted a moment ago, with another device or on another node.
            throw Problem(.sessionRevoked)
        }
    }

    static func updateUser(_ call: Call, _ services: Services) async throws -> Response {
        let session = try call.session
        let reader = try RequestReader(call, members: ["name", "profileStatus", "avatarMediaId", "notificationTokens", "privacy"])
        var change = UserChange()
        change.name = reader.optionalString("name", characters: 0...100)
        change.profileStatus = reader.optionalString("profileStatus", characters: 0...500)
        change.avatar = Self.avatar(reader)
        change.pushTokens = reader.optionalObjects("notificationTokens", count: 0...10, members: ["token", "type", "deviceInfo"]) { token in
            PushToken(
                token: token.matching("token", .pushToken), type: token.choice("type", of: PushService.self) ?? .fcm,
                deviceInfo: token.optionalString("deviceInfo", characters: 0...500))
        }
        reader.optionalObject("privacy", members: ["lastSeen", "groups", "readReceipts", "discoverable"]) { privacy in
            change.lastSeen = privacy.optionalChoice("lastSeen", of: Visibility.self)
            change.groups = privacy.optionalChoice("groups", of: Visibility.self)
            change.readReceipts = privacy.boolean("readReceipts")
            change.discoverable = privacy.boolean("discoverable")
        }
        try reader.finish()
        if case .set(let mediaId?) = change.avatar { try await services.media.use(mediaId, by: session.userId) }
        return .json(try await services.users.update(session, change).json(forOwner: true))
    }

    static func lookupUsers(_ call: Call, _ services: Services) async throws -> Response {
        let session = try call.session
        let reader = try RequestReader(call, members: ["mobileNumbers"])
        let numbers = reader.strings("mobileNumbers", count: 0...services.limits[.lookupNumbers], .mobileNumber)
        try reader.finish()
        try services.rateLimiter.take(.lookupsPerUser, for: .identifier(session.userId), noting: call)
        let found = try await services.contacts.lookUp(numbers, for: session.userId)
        return .json(.object(["users": .array(found.map(\.json))]))
    }

    static func listDevices(_ call: Call, _ services: Services) async throws -> Response {
        let session = try call.session
        try QueryReader(call, parameters: []).finish()
        let devices = try await services.devices.list(of: session.userId)
        return .json(.object(["devices": .array(devices.map { $0.json(isCurrent: $0.deviceId == session.deviceId) })]))
    }

    static func removeDevice(_ call: Call, _ services: Services) async throws -> Response {
        let session = try call.session
        let reader = try RequestReader(call, members: ["deviceId"])
        let deviceId = reader.identifier("deviceId")
        try reader.finish()
        try await services.devices.remove(deviceId, of: session.userId)
        await services.finishRemoval(of: deviceId)
        return .noContent
    }

    static func deleteAccount(_ call: Call, _ services: Services) async throws -> Response {
        let session = try call.session
        try RequestReader(call, members: []).finish()
        let devices = try await services.accountRemoval.begin(session.userId)
        services.forget(devices: devices)
        await services.accountRemoval.finish(session.userId, devices)
        return .noContent
    }

    /// The empty text unsets it.
    private static func avatar(_ reader: RequestReader) -> UserChange.Avatar {
        guard let text = reader.optionalString("avatarMediaId", characters: 0...36) else { return .keep }
        return .set(text.isEmpty ? nil : reader.optionalIdentifier("avatarMediaId"))
    }
}
