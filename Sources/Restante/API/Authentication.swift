import Crypto
import HTTPServer
import Postgres

/// The SHA-256 of a token: all that the server keeps of it.
struct TokenHash: Hashable, Sendable {
    let bytes: [UInt8]

    init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    init(_ token: String) {
        bytes = Array(SHA256.hash(data: Array(token.utf8)))
    }
}

/// What the head of a request tells about who is asking.
enum Credential: Sendable {
    case notNeeded
    case session(Session)
    /// A token that is not in the cache.
    case token(TokenHash)
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
        guard let space = header.firstIndex(of: " "), header[..<space].lowercased() == "bearer" else { return nil }
        let token = header[space...].trimmingSpaces()
        return token.isEmpty ? nil : String(token)
    }
}
