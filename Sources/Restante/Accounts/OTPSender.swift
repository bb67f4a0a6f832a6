import Logging

/// Brings a one-time password to the person who has the number.
protocol OTPSender: Sendable {
    /// Throws where nothing would be sent now, before there is a password that somebody could guess.
    func checkIsReady() throws(OTPDeliveryFailure)

    /// Returns what `sendOTP` may show in its answer: nothing but in development.
    func send(_ password: OutgoingOTP) async throws(OTPDeliveryFailure) -> String?
}

extension OTPSender {
    func checkIsReady() {}
}

/// What has to reach its person.
struct OutgoingOTP: Sendable {
    let mobileNumber: String
    let channel: OTPChannel
    let otp: String
    /// Seconds from now.
    let expiresIn: Int
    /// That of the request that asked for it.
    var trace = TraceContext.begin()
}

/// How the digits travel.
enum OTPChannel: String, CaseIterable, Sendable {
    case sms, voice
}

/// Why the digits did not go, as far as is known.
enum OTPDeliveryFailure: ProblemConvertible, Equatable {
    /// Nothing has been sent, and nothing is spent.
    case refused
    /// They may have been sent: the password stays good, and the send counts.
    case unknown
    /// Nothing has been tried: the gateway failed too often. Seconds until it is tried again.
    case paused(seconds: Int)

    var problem: Problem {
        switch self {
        case .refused, .unknown: Problem(.otpDeliveryFailed)
        case .paused(let seconds): .passing(.unavailable, detail: "One-time passwords cannot be sent now.", retryAfter: max(1, seconds))
        }
    }
}

/// Puts the digits into the answer itself: for development on a loopback address.
struct ResponseOTPSender: OTPSender {
    func send(_ password: OutgoingOTP) async -> String? { password.otp }
}

/// Writes the digits to the log, for an operator who reads them out; the number is cut to its last two digits.
struct LogOTPSender: OTPSender {
    let logger: Logger

    func send(_ password: OutgoingOTP) async -> String? {
        logger.notice(
            "one-time password",
            metadata: [
                "number": .string("…\(password.mobileNumber.suffix(2))"), "otp": .string(password.otp),
                "channel": .string(password.channel.rawValue),
            ])
        return nil
    }
}
