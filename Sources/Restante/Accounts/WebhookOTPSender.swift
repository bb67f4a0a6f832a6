import Crypto
import Glibc
import HTTPClient
import JSON
import Logging
import Synchronization

/// Hands one-time passwords to a gateway of the operator's: one signed POST for each. docs/otp-delivery.md is the gateway's side.
///
/// What an answer means: 2xx, it is sent or will be; 429 and 503, nothing was sent, another try is welcome; another status below 500,
/// nothing was sent and a repetition would not help. Any other status, no answer or a broken one say nothing: the digits may be on
/// their way. Those are not sent again, since a second SMS costs money and confuses; the person may still type in what arrives.
/// There is a second try only where the first certainly did nothing, and came back fast. The breaker counts what keeps
/// the gateway from working, not what it refuses.
final class WebhookOTPSender: OTPSender {
    private let url: String
    private let signature: WebhookSignature
    private let client: HTTPClient
    private let logger: Logger
    private let breaker = Mutex(CircuitBreaker())
    private let uptime: @Sendable () -> Double

    /// How long one try may take; a second is begun only within the first second. So a client waits four seconds at most.
    static let patience = Duration.seconds(3)

    init(url: String, secret: String, client: HTTPClient, logger: Logger, uptime: @escaping @Sendable () -> Double = Uptime.seconds) {
        self.url = url
        signature = WebhookSignature(secret: secret)
        self.client = client
        self.logger = logger
        self.uptime = uptime
    }

    func checkIsReady() throws(OTPDeliveryFailure) {
        let now = uptime()
        let pause = breaker.withLock { $0.wait(at: now) }
        if pause > 0 { throw Self.paused(for: pause) }
    }

    private static func paused(for seconds: Double) -> OTPDeliveryFailure {
        .paused(seconds: Int(clamping: Int64(seconds.rounded(.up))))
    }

    func send(_ password: OutgoingOTP) async throws(OTPDeliveryFailure) -> String? {
        let request = self.request(for: password)
        let begin = uptime()
        var answer = try await attempt(request)
        if answer.mayBeRepeated, uptime() - begin < 1 { answer = try await attempt(request) }
        if case .delivered = answer { return nil }
        logger.warning(
            "one-time password not delivered",
            metadata: ["number": .string("…\(password.mobileNumber.suffix(2))"), "reason": .string("\(answer)")])
        throw answer.isUnknown ? .unknown : .refused
    }

    /// Both tries are the same bytes, so that the gateway can tell them from two passwords.
    private func request(for password: OutgoingOTP) -> HTTPRequest {
        let body = JSON.object([
            "mobileNumber": .string(password.mobileNumber), "channel": .string(password.channel.rawValue), "otp": .string(password.otp),
            "expiresIn": .integer(Int64(password.expiresIn)),
        ]).encoded()
        return HTTPRequest(
            method: "POST", url: url,
            headers: [("Content-Type", "application/json"), ("traceparent", password.trace.field)]
                + signature.headers(for: body, at: Int64(time(nil))), body: body
        )
    }

    private func attempt(_ request: HTTPRequest) async throws(OTPDeliveryFailure) -> GatewayAnswer {
        let now = uptime()
        let pause = breaker.withLock { $0.admits(at: now) ? nil : $0.wait(at: now) }
        if let pause { throw Self.paused(for: pause) }
        let answer: GatewayAnswer
        do throws(HTTPClientError) {
            answer = GatewayAnswer(status: try await client.send(request).status)
        } catch {
            answer = error.provesNothingWasSent ? .unreachable("\(error)") : .silent("\(error)")
        }
        breaker.withLock { $0.note(success: answer.isSignOfLife, begun: now, at: uptime()) }
        return answer
    }
}

/// What a gateway's answer, or the lack of one, says about the digits.
enum GatewayAnswer: Equatable {
    case delivered
    /// It did nothing for now.
    case busy(Int)
    /// It will not do it.
    case refused(Int)
    /// It failed in the middle.
    case failed(Int)
    case unreachable(String)
    case silent(String)

    init(status: Int) {
        self =
            switch status {
            case 200..<300: .delivered
            case 429, 503: .busy(status)
            case ..<500: .refused(status)
            default: .failed(status)
            }
    }

    var mayBeRepeated: Bool {
        switch self {
        case .busy, .unreachable: true
        case .delivered, .refused, .failed, .silent: false
        }
    }

    /// Whether the digits may be on their way although nobody said so.
    var isUnknown: Bool {
        switch self {
        case .failed, .silent: true
        case .delivered, .busy, .refused, .unreachable: false
        }
    }

    var isSignOfLife: Bool {
        switch self {
        case .delivered, .refused: true
        case .busy, .failed, .unreachable, .silent: false
        }
    }
}

/// Shows the gateway that a request is ours and of now: HMAC-SHA256 over `<time>.<body>`, the time in seconds since 1970.
struct WebhookSignature: Sendable {
    private let key: SymmetricKey

    init(secret: String) {
        key = SymmetricKey(data: Array(secret.utf8))
    }

    /// The key for repetitions is the signature itself, so nobody can take another one for the same bytes.
    func headers(for body: [UInt8], at seconds: Int64) -> [(name: String, value: String)] {
        let code = HMAC<SHA256>.authenticationCode(for: Array("\(seconds).".utf8) + body, using: key)
        let hex = code.map { byte in String(byte >> 4, radix: 16) + String(byte & 15, radix: 16) }.joined()
        return [("Restante-Timestamp", String(seconds)), ("Restante-Signature", "v1=\(hex)"), ("Idempotency-Key", hex)]
    }
}
