import Glibc

/// The address, without port, that a connection comes from.
///
/// An IPv4 address that arrives on an IPv6 socket (`::ffff:192.0.2.1`) is given as IPv4, so that one peer has one name.
package struct PeerAddress: Sendable, Hashable {
    private let high: UInt64
    private let low: UInt64
    package let isIPv6: Bool

    /// Four or sixteen bytes in network order.
    package init?(bytes: [UInt8]) {
        switch bytes.count {
        case 4: self.init(ipv4: bytes)
        case 16: self.init(ipv6: bytes)
        default: return nil
        }
    }

    /// Reads `192.0.2.1` or `2001:db8::1`. Source: inet_pton(3).
    package init?(text: String) {
        var ipv4 = in_addr()
        var ipv6 = in6_addr()
        if inet_pton(AF_INET, text, &ipv4) == 1 {
            self.init(ipv4: withUnsafeBytes(of: ipv4) { Array($0) })
        } else if inet_pton(AF_INET6, text, &ipv6) == 1 {
            self.init(ipv6: withUnsafeBytes(of: ipv6) { Array($0) })
        } else {
            return nil
        }
    }

    /// Four or sixteen bytes in network order.
    package var bytes: [UInt8] {
        let all = Self.split(high) + Self.split(low)
        return isIPv6 ? all : Array(all[12...])
    }

    private init(ipv4 bytes: [UInt8]) {
        high = 0
        low = Self.join(bytes)
        isIPv6 = false
    }

    private init(ipv6 bytes: [UInt8]) {
        let high = Self.join(bytes[..<8])
        let low = Self.join(bytes[8...])
        let isMapped = high == 0 && low >> 32 == 0xFFFF
        self.high = high
        self.low = isMapped ? low & 0xFFFF_FFFF : low
        isIPv6 = !isMapped
    }

    /// Reads what `accept` filled in; an address of another family becomes `::`.
    init(_ storage: sockaddr_storage) {
        switch Int32(storage.ss_family) {
        case AF_INET:
            let bytes = withUnsafeBytes(of: storage) { raw in
                withUnsafeBytes(of: raw.load(as: sockaddr_in.self).sin_addr) { Array($0) }
            }
            self.init(ipv4: bytes)
        case AF_INET6:
            let bytes = withUnsafeBytes(of: storage) { raw in
                withUnsafeBytes(of: raw.load(as: sockaddr_in6.self).sin6_addr) { Array($0) }
            }
            self.init(ipv6: bytes)
        default:
            self.init(ipv6: [UInt8](repeating: 0, count: 16))
        }
    }

    private static func join(_ bytes: some Sequence<UInt8>) -> UInt64 {
        bytes.reduce(0) { $0 << 8 | UInt64($1) }
    }

    private static func split(_ word: UInt64) -> [UInt8] {
        withUnsafeBytes(of: word.bigEndian) { Array($0) }
    }
}

extension PeerAddress: CustomStringConvertible {
    /// The usual text: `192.0.2.1`, `2001:db8::1`.
    package var description: String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        let source = bytes
        guard inet_ntop(isIPv6 ? AF_INET6 : AF_INET, source, &text, socklen_t(text.count)) != nil else { return "::" }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
