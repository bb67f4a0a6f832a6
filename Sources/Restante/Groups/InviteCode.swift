import Crypto

/// The code by which people join a group: 192 random bits, of which the database has a hash only.
struct InviteCode: Sendable {
    let text: String

    /// A new one.
    init() {
        var generator = SystemRandomNumberGenerator()
        let bytes = (0..<3).flatMap { _ in withUnsafeBytes(of: generator.next()) { Array($0) } }
        text = Base64URL.encode(bytes)
    }

    /// One that a client has shown; it may be any text.
    init(shown text: String) {
        self.text = text
    }

    /// So random a text needs neither salt nor slowness.
    var hash: [UInt8] { Array(SHA256.hash(data: Array(text.utf8))) }
}
