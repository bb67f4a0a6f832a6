import Postgres

/// The way from a one-time password to a session: `register` for a new user, `login` for one more device of a known one.
///
/// Everything happens in one transaction that holds the password's row, so of fifty at once with the same digits one gets in.
struct Registration: Sendable {
    let services: Services

    struct NewDevice: Sendable {
        let name: String
        let type: DeviceType
    }

    private enum Outcome: Sendable {
        case session(NewSession)
        /// Committed as well, for the count of wrong tries.
        case refused(AccountError)
    }

    func register(mobileNumber: String, otp: String, name: String, profileStatus: String, device: NewDevice) async throws -> NewSession {
        try await enter(mobileNumber, otp) { connection in
            guard try services.users.find(mobileNumber: mobileNumber, on: connection) == nil else { return .refused(.alreadyRegistered) }
            let userId = try services.users.add(mobileNumber: mobileNumber, name: name, profileStatus: profileStatus, on: connection)
            return .session(try addDevice(device, to: userId, on: connection))
        }
    }

    func login(mobileNumber: String, otp: String, device: NewDevice) async throws -> NewSession {
        let most = services.limits[.devicesPerUser]
        return try await enter(mobileNumber, otp) { connection in
            guard let userId = try services.users.find(mobileNumber: mobileNumber, on: connection) else { return .refused(.notRegistered) }
            guard try services.devices.count(of: userId, on: connection) < most else { return .refused(.tooManyDevices) }
            return .session(try addDevice(device, to: userId, on: connection))
        }
    }

    private func enter(
        _ mobileNumber: String, _ otp: String, _ body: @escaping @Sendable (Connection) throws -> Outcome
    ) async throws -> NewSession {
        let outcome = try await services.users.pool.transaction { connection -> Outcome in
            switch try services.oneTimePasswords.check(otp, for: mobileNumber, on: connection) {
            case .expired: return .refused(.otpExpired)
            case .wrong(let attemptsLeft): return .refused(.otpIncorrect(attemptsLeft: attemptsLeft))
            case .right: break
            }
            let outcome = try body(connection)
            if case .session = outcome { try services.oneTimePasswords.consume(for: mobileNumber, on: connection) }
            return outcome
        }
        switch outcome {
        case .session(let session): return session
        case .refused(let error): throw error
        }
    }

    private func addDevice(_ device: NewDevice, to userId: Identifier, on connection: Connection) throws -> NewSession {
        let deviceId = try services.devices.add(name: device.name, type: device.type, to: userId, on: connection)
        return try services.sessions.create(userId: userId, deviceId: deviceId, parent: nil, on: connection)
    }
}
