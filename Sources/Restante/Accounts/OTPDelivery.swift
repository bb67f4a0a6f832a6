import HTTPClient

/// How a one-time password reaches its user.
package enum OTPDelivery: Sendable, Equatable {
    /// In the answer to `sendOTP`: for development, on a loopback address only.
    case response
    /// As a line in the server's log.
    case log
    /// By a POST to this URL.
    case webhook(String)

    package init?(_ text: String) {
        switch text {
        case "response": self = .response
        case "log": self = .log
        default:
            guard text.hasPrefix(Self.webhookPrefix) else { return nil }
            let url = String(text.dropFirst(Self.webhookPrefix.count))
            guard HTTPClientSettings().allows(url) else { return nil }
            self = .webhook(url)
        }
    }

    package var text: String {
        switch self {
        case .response: "response"
        case .log: "log"
        case .webhook(let url): Self.webhookPrefix + url
        }
    }

    private static let webhookPrefix = "webhook:"
}
