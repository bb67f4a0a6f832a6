import HTTPClient
import JSON
import JWTKit

/// Exchanges a statement, signed with the service account's key, for an access token that is good for an hour.
///
/// Source: RFC 7523, section 2.1; Google, "Using OAuth 2.0 for Server to Server Applications".
struct FCMAccess: Sendable {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private struct Claims: JWTPayload {
        let iss: String
        let scope: String
        let aud: String
        let iat: Int64
        let exp: Int64

        // Only Google verifies it.
        func verify(using algorithm: some JWTAlgorithm) {}
    }

    let credentials: FCMCredentials
    let client: HTTPClient

    /// A new access token, to be renewed when nine tenths of its time have passed, and five minutes before its end at the latest.
    func token() async throws -> RenewedCredential.Made {
        let assertion = try await statement(at: Timestamp.now().milliseconds / 1000)
        let asked = Uptime.seconds()
        let response = try await client.send(
            HTTPRequest(
                method: "POST", url: credentials.tokenURL, headers: [("content-type", "application/x-www-form-urlencoded")],
                body: Array("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=\(assertion)".utf8)))
        let json = try? JSON.parse(response.body)
        guard response.status == 200, let token = json?["access_token"]?.string, !token.isEmpty else {
            // The error's code, such as invalid_grant; nothing else of the answer is known to be harmless.
            throw Failure(description: "no access token: \(response.status) \((json?["error"]?.string ?? "").prefix(60))")
        }
        let seconds = Double(min(max(json?["expires_in"]?.integer ?? 3_600, 1), 86_400))
        return RenewedCredential.Made(value: token, goodUntil: asked + max(seconds * 0.9, seconds - 300))
    }

    private func statement(at now: Int64) async throws -> String {
        let kid = credentials.privateKeyId.map { JWKIdentifier(string: $0) }
        let keys = await JWTKeyCollection().add(rsa: credentials.privateKey, digestAlgorithm: .sha256, kid: kid)
        let claims = Claims(
            iss: credentials.clientEmail, scope: "https://www.googleapis.com/auth/firebase.messaging", aud: credentials.tokenURL, iat: now,
            exp: now + 3_600)
        return try await keys.sign(claims, kid: kid)
    }
}
