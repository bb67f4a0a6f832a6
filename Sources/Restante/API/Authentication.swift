import Crypto
import HTTPServer
import Postgres

/// The SHA-256 of a token: all that the server keeps of it.
struct TokenHash: Hashable, Sendable {
    private let words: (UInt64, UInt64, UInt64, UInt64)

    init(_ token: String) {
        var token = token
        let digest = token.withUTF8 { bytes in
            var hash = SHA256()
            hash.update(bufferPointer: UnsafeRawBufferPointer(bytes))
            return hash.finalize()
        }
        words = digest.withUnsafeBytes { $0.loadUnaligned(as: (UInt64, UInt64, UInt64, UInt64).self) }
    }

    /// The 32 bytes as the database has them.
    var bytes: [UInt8] { withUnsafeBytes(of: words) { Array($0) } }

    /// Nil unless these are 32 bytes.
    init?(bytes: [UInt8]) {
        guard bytes.count == 32 else { return nil }
        words = bytes.withUnsafeBytes { $0.loadUnaligned(as: (UInt64, UInt64, UInt64, UInt64).self) }
    }

    /// One of 16, evenly.
    var shard: Int { Int(truncatingIfNeeded: words.1 & 15) }

    static func == (left: TokenHash, right: TokenHash) -> Bool { left.words == right.words }

    /// A digest is as random as a hash can be.
    func hash(into hasher: inout Hasher) { hasher.combine(words.0) }
}

/// What the head of a request tells about who is asking.
enum Credential: Sendable {
    case notNeeded
    case session(Session)
    /// A token that is not in the cache.
    case token(TokenHash)

    var isSession: Bool {
        if case .session = self { true } else { false }
    }
}

/// Turns the bearer token of a request into the session behind it. Source: RFC 6750, section 2.1.
struct Authentication: Sendable {
    let cache: SessionCache
    let lookup: SessionLookup

    init(store: SessionStore) {
        cache = SessionCache()
        lookup = SessionLookup(store: store, cache: cache)
    }

    func credential(authorization header: String?) -> Result<Credential, Problem> {
        guard let header, let token = Self.bearerToken(in: header) else { return .failure(Problem(.unauthenticated)) }
        // Anything longer than any token of ours is not worth hashing.
        guard token.utf8.count <= 128 else { return .failure(Problem(.invalidToken)) }
        let hash = TokenHash(token)
        guard let cached = cache.session(for: hash) else { return .success(.token(hash)) }
        return .success(.session(cached))
    }

    private static func bearerToken(in header: String) -> String? {
        guard let space = header.utf8.firstIndex(of: UInt8(ascii: " ")) else { return nil }
        let scheme = header[..<space]
        guard scheme.utf8.elementsEqual("Bearer".utf8) || scheme.lowercased() == "bearer" else { return nil }
        let token = header[space...].trimmingSpaces()
        return token.isEmpty ? nil : String(token)
    }
}
