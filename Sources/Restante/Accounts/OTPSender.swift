import Logging

/// Brings a one-time password to the person who has the number.
protocol OTPSender: Sendable {
    /// Returns what `sendOTP` may show in its answer: nothing but in development. Throws `AccountError.otpDeliveryFailed`.
    func send(_ otp: String, to mobileNumber: String, channel: OTPChannel) async throws -> String?
}

/// How the digits travel.
enum OTPChannel: String, CaseIterable, Sendable {
    case sms, voice
}

/// Puts the digits into the answer itself: for development on a loopback address.
struct ResponseOTPSender: OTPSender {
    func send(_ otp: String, to mobileNumber: String, channel: OTPChannel) async throws -> String? { otp }
}

/// Writes the digits to the log, for an operator who reads them out; the number is cut to its last two digits.
struct LogOTPSender: OTPSender {
    let logger: Logger

    func send(_ otp: String, to mobileNumber: String, channel: OTPChannel) async throws -> String? {
        logger.notice(
            "one-time password",
            metadata: ["number": .string("…\(mobileNumber.suffix(2))"), "otp": .string(otp), "channel": .string(channel.rawValue)])
        return nil
    }
}
