import Crypto
import JWTKit

/// A key of an Apple developer team that may send to an app.
struct APNsCredentials: Sendable {
    let key: ECDSA.PrivateKey<P256>
    let keyId: String
    let teamId: String
    /// The app's bundle id.
    let topic: String

    /// Nil where the text is no P-256 key in PEM, as Apple's .p8 files hold.
    static func key(pem: String) -> ECDSA.PrivateKey<P256>? {
        try? ECDSA.PrivateKey<P256>(pem: pem)
    }
}

/// What a push says about who sends it: good for an hour at Apple, which wants a new one no sooner than after 20 minutes and no later than after 60.
///
/// Source: Apple, "Establishing a token-based connection to APNs".
struct APNsProviderToken: Sendable {
    private struct Claims: JWTPayload {
        let iss: String
        let iat: Int64

        // Only Apple verifies it.
        func verify(using algorithm: some JWTAlgorithm) {}
    }

    /// Seconds; Apple may see its age by another clock.
    static let life = 2_400.0
    /// A younger one is never replaced: Apple takes it for abuse.
    static let shortestLife = 1_200.0

    let credentials: APNsCredentials

    func make() async throws -> RenewedCredential.Made {
        let kid = JWKIdentifier(string: credentials.keyId)
        let keys = await JWTKeyCollection().add(ecdsa: credentials.key, kid: kid)
        let made = Uptime.seconds()
        let token = try await keys.sign(Claims(iss: credentials.teamId, iat: Timestamp.now().milliseconds / 1000), kid: kid)
        return RenewedCredential.Made(value: token, goodUntil: made + Self.life)
    }
}
