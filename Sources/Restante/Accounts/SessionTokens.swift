import JSON
import Postgres

/// The tokens of a session, as the client gets them once and the server never sees them stored.
struct SessionTokens: Sendable {
    let access: String
    let refresh: String

    /// Two tokens of 256 random bits each.
    init() {
        access = "rat_" + Self.random()
        refresh = "rrt_" + Self.random()
    }

    private static func random() -> String {
        var generator = SystemRandomNumberGenerator()
        let bytes = (0..<4).flatMap { _ in withUnsafeBytes(of: generator.next()) { Array($0) } }
        return Base64URL.encode(bytes)
    }
}

/// A session that was just made, with its tokens.
struct NewSession: Sendable {
    let session: Session
    let tokens: SessionTokens
    let expiresIn: Int

    var json: JSON {
        .object([
            "userId": .string(session.userId.description),
            "deviceId": .string(session.deviceId.description),
            "accessToken": .string(tokens.access),
            "tokenType": .string("Bearer"),
            "expiresIn": .integer(expiresIn),
            "refreshToken": .string(tokens.refresh),
        ])
    }
}

/// Source: RFC 4648, section 5; without padding.
enum Base64URL {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    static func encode(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let bits = group.reduce(UInt32(0)) { $0 << 8 | UInt32($1) } << (8 * UInt32(3 - group.count))
            for position in 0...group.count { text.append(alphabet[Int(bits >> (18 - 6 * UInt32(position)) & 63)]) }
        }
        return String(decoding: text, as: UTF8.self)
    }
}
