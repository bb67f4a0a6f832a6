/// The digest that a client states for what it uploads. Source: RFC 9530, section 3, and RFC 8941, 3.3.5 (byte sequences).
enum ReprDigest {
    enum Reading: Equatable {
        /// None is stated, or in algorithms that are not known here, which RFC 9530 lets a recipient ignore.
        case absent
        case sha256(MediaDigest)
        case malformed
    }

    static func read(_ header: String?) -> Reading {
        guard let header else { return .absent }
        for member in header.split(separator: ",") {
            guard let equals = member.firstIndex(of: "=") else { return .malformed }
            guard member[..<equals].trimmingSpaces().lowercased() == "sha-256" else { continue }
            let value = member[member.index(after: equals)...].trimmingSpaces()
            guard value.utf8.count > 2, value.utf8.first == UInt8(ascii: ":"), value.utf8.last == UInt8(ascii: ":") else { return .malformed }
            let text = Array(value.utf8.dropFirst().dropLast())
            guard let bytes = text.withUnsafeBufferPointer(Base64.decode), let digest = MediaDigest(bytes: bytes) else { return .malformed }
            return .sha256(digest)
        }
        return .absent
    }

    static func header(_ digest: MediaDigest) -> String { "sha-256=:\(Base64.encode(digest.bytes)):" }
}
