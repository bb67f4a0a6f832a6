import HTTPClient
import JSON

/// The Apple Push Notification service, over HTTP/2.
///
/// A silent push (`content-available`) is throttled to a few an hour and never reaches an app that its user has closed: a messenger would be deaf. So this
/// is an alert whose text the app has in itself (`loc-key`), with `mutable-content`: the app's notification service extension is run, fetches the
/// messages, and shows what it found in place of that text. Source: Apple, "Sending notification requests to APNs" and "Generating a remote notification".
struct APNsProvider: PushProvider {
    private let credentials: APNsCredentials
    private let baseURL: String
    private let client: HTTPClient
    private let token: RenewedCredential

    /// What every push says; the name is one that the app's Localizable.strings translates.
    static let payload = JSON.object([
        "aps": .object([
            "alert": .object(["loc-key": .string("RESTANTE_WAKE")]), "sound": .string("default"), "mutable-content": .integer(1),
        ])
    ]).encoded()

    init(_ credentials: APNsCredentials, baseURL: String, client: HTTPClient) {
        self.credentials = credentials
        self.baseURL = baseURL
        self.client = client
        let maker = APNsProviderToken(credentials: credentials)
        token = RenewedCredential { try await maker.make() }
    }

    func send(_ wakeUp: WakeUp) async -> PushOutcome {
        do {
            let token = try await token.value(at: Uptime.seconds())
            let response = try await post(wakeUp, token)
            guard response.status == 403, Self.reason(response) == "ExpiredProviderToken",
                await self.token.reject(token, olderThan: APNsProviderToken.shortestLife, at: Uptime.seconds())
            else { return Self.outcome(response) }
            return Self.outcome(try await post(wakeUp, try await self.token.value(at: Uptime.seconds())))
        } catch {
            return .failed("\(error)", seconds: nil)
        }
    }

    private func post(_ wakeUp: WakeUp, _ token: String) async throws(HTTPClientError) -> HTTPResponse {
        let expiration = Timestamp.now().milliseconds / 1000 + Int64(wakeUp.seconds)
        return try await client.send(
            HTTPRequest(
                method: "POST", url: "\(baseURL)/3/device/\(wakeUp.token)",
                headers: [
                    ("authorization", "bearer \(token)"), ("content-type", "application/json"), ("apns-topic", credentials.topic),
                    ("apns-push-type", "alert"), ("apns-priority", "10"), ("apns-collapse-id", wakeUp.urgency.collapseKey),
                    ("apns-expiration", String(expiration)),
                ], body: Self.payload))
    }

    static func outcome(_ response: HTTPResponse) -> PushOutcome {
        let reason = reason(response)
        let text = "\(response.status) \(reason)"
        switch (response.status, reason) {
        case (200, _): return .accepted
        case (410, _): return .void(since: (try? JSON.parse(response.body))?["timestamp"]?.integer)
        case (400, "BadDeviceToken"), (400, "DeviceTokenNotForTopic"): return .foreign(text)
        case (429, "TooManyRequests"): return .busy(seconds: response.retryAfterSeconds, everyone: false)
        case (429, _): return .busy(seconds: response.retryAfterSeconds, everyone: true)
        // The server's own key is not in order; an operator can help.
        case (403, _), (500..., _): return .failed(text, seconds: response.retryAfterSeconds)
        default: return .refused(text)
        }
    }

    private static func reason(_ response: HTTPResponse) -> String {
        String(((try? JSON.parse(response.body))?["reason"]?.string ?? "").prefix(60))
    }
}
