import HTTPServer
import JSON
import Postgres

/// From a phone number to a session, and its end.
enum SessionEndpoints {
    static func sendOTP(_ call: Call, _ services: Services) async throws -> Response {
        let reader = try RequestReader(call, members: ["mobileNumber", "channel"])
        let mobileNumber = reader.matching("mobileNumber", .mobileNumber)
        let channel = reader.optionalChoice("channel", of: OTPChannel.self) ?? .sms
        if !mobileNumber.isEmpty, !services.otpCountries.contains(mobileNumber) {
            reader.fault("mobileNumber", "One-time passwords are not sent to this country.")
        }
        try reader.finish()
        try services.rateLimiter.take(.otpPerAddress, for: .address(call.client), noting: call)
        try services.otpSender.checkIsReady()
        let issued = try await services.oneTimePasswords.issue(for: mobileNumber, channel: channel)
        let shown = try await deliver(
            issued,
            OutgoingOTP(
                mobileNumber: mobileNumber, channel: channel, otp: issued.otp, expiresIn: services.limits[.otpSeconds], trace: call.trace), services)
        return .json(
            .object([
                "expiresIn": .integer(services.limits[.otpSeconds]),
                "resendAfter": .integer(issued.resendAfter),
                "otp": shown.map(JSON.string),
            ]), status: 202)
    }

    /// What certainly did not go, and was not tried meanwhile, costs the person neither a wait nor a part of the day's quota.
    private static func deliver(_ issued: OneTimePasswordStore.Issued, _ password: OutgoingOTP, _ services: Services) async throws -> String? {
        do throws(OTPDeliveryFailure) {
            return try await services.otpSender.send(password)
        } catch {
            if error != .unknown { try await services.oneTimePasswords.takeBack(issued) }
            throw error
        }
    }

    static func register(_ call: Call, _ services: Services) async throws -> Response {
        let reader = try RequestReader(call, members: ["mobileNumber", "otp", "name", "profileStatus", "device"])
        let mobileNumber = reader.matching("mobileNumber", .mobileNumber)
        let otp = reader.matching("otp", .oneTimePassword)
        let name = reader.optionalString("name", characters: 1...100) ?? ""
        let profileStatus = reader.optionalString("profileStatus", characters: 1...500) ?? ""
        let device = Self.device(reader)
        try reader.finish()
        let session = try await Registration(services: services)
            .register(mobileNumber: mobileNumber, otp: otp, name: name, profileStatus: profileStatus, device: device)
        return .json(session.json, status: 201)
    }

    static func login(_ call: Call, _ services: Services) async throws -> Response {
        let reader = try RequestReader(call, members: ["mobileNumber", "otp", "device"])
        let mobileNumber = reader.matching("mobileNumber", .mobileNumber)
        let otp = reader.matching("otp", .oneTimePassword)
        let device = Self.device(reader)
        try reader.finish()
        let session = try await Registration(services: services).login(mobileNumber: mobileNumber, otp: otp, device: device)
        return .json(session.json, status: 201)
    }

    static func refreshToken(_ call: Call, _ services: Services) async throws -> Response {
        let reader = try RequestReader(call, members: ["refreshToken"])
        let token = reader.string("refreshToken", characters: 1...4096)
        try reader.finish()
        switch try await services.sessions.refresh(token, devices: services.devices) {
        case .renewed(let session, let oldAccess):
            // It is looked up anew, with its shorter life.
            if let oldAccess { services.authentication.cache.forget(oldAccess) }
            return .json(session.json)
        case .invalid:
            throw AccountError.refreshTokenInvalid
        case .replayed(let deviceId):
            await services.finishRemoval(of: deviceId)
            throw AccountError.refreshTokenInvalid
        }
    }

    static func logout(_ call: Call, _ services: Services) async throws -> Response {
        let session = try call.session
        try RequestReader(call, members: []).finish()
        do {
            try await services.devices.remove(session.deviceId, of: session.userId)
        } catch AccountError.unknownDevice {
            // It was removed a moment ago, by another request or on another node.
            throw Problem(.sessionRevoked)
        }
        await services.finishRemoval(of: session.deviceId)
        return .noContent
    }

    private static func device(_ reader: RequestReader) -> Registration.NewDevice {
        reader.object("device", members: ["name", "type"]) { device in
            Registration.NewDevice(
                name: device.string("name", characters: 1...100), type: device.choice("type", of: DeviceType.self) ?? .cli)
        }
    }
}

extension Services {
    /// What is left to do for a device that was revoked, once that is committed.
    func finishRemoval(of deviceId: Identifier) async {
        forget(devices: [deviceId])
        await devices.clearInbox(of: deviceId)
    }

    /// What memory, here and on other nodes, holds of devices that are no more: their polls end with 401.
    func forget(devices: [Identifier]) {
        authentication.cache.forget(devices: Set(devices))
        mailroom.revoke(devices)
        presence.forget(devices)
    }

    /// Does what another node has told.
    func hear(_ event: WakeEvent) {
        if case .revoked(let devices) = event { authentication.cache.forget(devices: Set(devices)) }
        mailroom.hear(event)
        presence.hear(event)
    }
}
