import HTTPClient
import JSON

/// Firebase Cloud Messaging, HTTP v1.
///
/// The message is data only, and always the same: the app wakes, fetches, and shows what it finds. High priority, since a message of low priority waits
/// for the device to wake for something else. Source: Firebase, "REST Resource: projects.messages" and "ErrorCode".
struct FCMProvider: PushProvider {
    private let url: String
    private let client: HTTPClient
    private let access: RenewedCredential

    init(_ credentials: FCMCredentials, baseURL: String, client: HTTPClient) {
        url = "\(baseURL)/v1/projects/\(credentials.projectId)/messages:send"
        self.client = client
        let exchange = FCMAccess(credentials: credentials, client: client)
        access = RenewedCredential { try await exchange.token() }
    }

    func send(_ wakeUp: WakeUp) async -> PushOutcome {
        do {
            let token = try await access.value(at: Uptime.seconds())
            let response = try await post(wakeUp, token)
            // Withdrawn before its time: a new one, once.
            guard response.status == 401, FCMError(response).code != "THIRD_PARTY_AUTH_ERROR",
                await access.reject(token, olderThan: 0, at: Uptime.seconds())
            else { return Self.outcome(response) }
            return Self.outcome(try await post(wakeUp, try await access.value(at: Uptime.seconds())))
        } catch {
            return .failed("\(error)", seconds: nil)
        }
    }

    private func post(_ wakeUp: WakeUp, _ token: String) async throws(HTTPClientError) -> HTTPResponse {
        try await client.send(
            HTTPRequest(
                method: "POST", url: url, headers: [("authorization", "Bearer \(token)"), ("content-type", "application/json")],
                body: Self.message(wakeUp).encoded()))
    }

    static func message(_ wakeUp: WakeUp) -> JSON {
        .object([
            "message": .object([
                "token": .string(wakeUp.token),
                "data": .object(["restante": .string("wake")]),
                "android": .object([
                    "priority": .string("HIGH"), "collapse_key": .string(wakeUp.urgency.collapseKey), "ttl": .string("\(wakeUp.seconds)s"),
                ]),
            ])
        ])
    }

    static func outcome(_ response: HTTPResponse) -> PushOutcome {
        guard response.status != 200 else { return .accepted }
        let error = FCMError(response)
        let reason = "\(response.status) \(error.code)"
        switch error.code {
        case "UNREGISTERED": return .void(since: nil)
        case "SENDER_ID_MISMATCH": return .foreign(reason)
        case "INVALID_ARGUMENT" where error.isAboutToken: return .void(since: nil)
        case "INVALID_ARGUMENT", "THIRD_PARTY_AUTH_ERROR": return .refused(reason)
        case "QUOTA_EXCEEDED": return .busy(seconds: response.retryAfterSeconds, everyone: true)
        default: break
        }
        switch response.status {
        case 429: return .busy(seconds: response.retryAfterSeconds, everyone: true)
        // The server's own account or project is not in order; an operator can help.
        case 401, 403, 404: return .failed(reason, seconds: response.retryAfterSeconds)
        case 500...: return .failed(reason, seconds: response.retryAfterSeconds)
        default: return .refused(reason)
        }
    }
}

/// The part of Google's error that says what to do about it.
struct FCMError {
    /// FCM's own code where it gives one, else Google's status; empty where the answer is neither.
    let code: String
    /// Whether it is the token that is wrong. Only then may it be removed: a request that is wrong in itself is so for all tokens.
    let isAboutToken: Bool

    init(_ response: HTTPResponse) {
        let error = (try? JSON.parse(response.body))?["error"]
        let details = error?["details"].map { Array($0.elements) } ?? []
        let own = details.compactMap { $0["errorCode"]?.string }.first
        code = String((own ?? error?["status"]?.string ?? "").prefix(60))
        let fields = details.flatMap { $0["fieldViolations"].map { Array($0.elements) } ?? [] }.compactMap { $0["field"]?.string }
        isAboutToken = fields.contains("message.token") || (fields.isEmpty && error?["message"]?.string?.contains("registration token") == true)
    }
}
