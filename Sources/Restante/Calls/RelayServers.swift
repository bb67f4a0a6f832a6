import Crypto
import JSON
import Postgres

/// The TURN servers that carry a call where the parties cannot reach each other, with credentials for one user.
///
/// The server and its TURN servers share a secret; a user name says until when it is good and whose it is, and the password is its HMAC-SHA1 under that
/// secret. So nothing is stored, and a TURN server needs to ask nobody. Source: draft-uberti-behave-turn-rest-00; coturn, `use-auth-secret`.
struct RelayServers: Sendable {
    /// Seconds that credentials are good.
    static let lifetime: Int64 = 3_600

    let urls: [String]
    let secret: String?

    /// The URLs of a text with commas between them; nil where one is none. Source: RFC 7064, RFC 7065.
    static func urls(_ text: String) -> [String]? {
        let urls = text.split(separator: ",", omittingEmptySubsequences: false).map { String($0.trimmingSpaces()) }
        let isGood = urls.allSatisfy { url in
            ["turn:", "turns:", "stun:", "stuns:"].contains { url.hasPrefix($0) && url.utf8.count > $0.utf8.count }
        }
        return isGood ? urls : nil
    }

    /// The `iceServers` of an answer; empty where there are none.
    func iceServers(for userId: Identifier, at now: Timestamp) -> JSON {
        guard let secret, !urls.isEmpty else { return .array([]) }
        let name = "\(now.milliseconds / 1000 + Self.lifetime):\(userId)"
        let password = HMAC<Insecure.SHA1>.authenticationCode(for: Array(name.utf8), using: SymmetricKey(data: Array(secret.utf8)))
        return .array([
            .object([
                "urls": .array(urls.map(JSON.string)), "username": .string(name), "credential": .string(Base64.encode(Array(password))),
            ])
        ])
    }
}
