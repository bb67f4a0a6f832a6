import HTTPServer

/// The proxies in front of this server whose word for a client's address is taken.
///
/// A proxy adds the address that it was asked from to the end of `X-Forwarded-For`. What stands before that was said further away, and
/// anybody can make it up. So the list is read from its end, and the first address that is not a trusted proxy's is the client's.
package struct TrustedProxies: Sendable, Equatable {
    private let networks: [Network]

    /// None: the client is who connects.
    package init() {
        networks = []
    }

    /// `10.0.0.0/8,2001:db8::7`: addresses and networks. nil for anything else.
    package init?(_ text: String) {
        let networks = text.split(separator: ",", omittingEmptySubsequences: false).map { Network(String($0)) }
        guard networks.allSatisfy({ $0 != nil }) else { return nil }
        self.networks = networks.compactMap { $0 }
    }

    package var text: String? {
        networks.isEmpty ? nil : networks.map(\.text).joined(separator: ",")
    }

    /// Who asks. A hop that is no address (`unknown`) ends the search at the proxy that said so.
    func client(of head: RequestHead) -> PeerAddress {
        guard contains(head.peer) else { return head.peer }
        var client = head.peer
        for hop in head.values("X-Forwarded-For").flatMap({ $0.split(separator: ",") }).reversed() {
            guard let address = Self.address(of: hop.trimmingSpaces()) else { break }
            client = address
            guard contains(address) else { break }
        }
        return client
    }

    private func contains(_ address: PeerAddress) -> Bool {
        networks.contains { $0.contains(address) }
    }

    /// Some proxies add the port: `192.0.2.1:4711`, `[2001:db8::1]:4711`.
    private static func address(of hop: Substring) -> PeerAddress? {
        if hop.first == "[" { return PeerAddress(text: String(hop.dropFirst().prefix { $0 != "]" })) }
        let colons = hop.utf8.count { $0 == UInt8(ascii: ":") }
        return PeerAddress(text: String(colons == 1 ? hop.prefix { $0 != ":" } : hop))
    }
}

/// The addresses that begin with the same bits.
private struct Network: Sendable, Equatable {
    let text: String
    private let address: PeerAddress
    private let bits: Int

    /// `192.0.2.1`, `10.0.0.0/8`.
    init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let address = PeerAddress(text: String(parts[0])) else { return nil }
        let most = address.bytes.count * 8
        let bits = parts.count == 1 ? most : Int(parts[1]) ?? -1
        guard (0...most).contains(bits) else { return nil }
        self.text = text
        self.address = address
        self.bits = bits
    }

    func contains(_ other: PeerAddress) -> Bool {
        guard other.isIPv6 == address.isIPv6 else { return false }
        let differences = zip(address.bytes, other.bytes).map { $0 ^ $1 }
        let equal = differences.firstIndex { $0 != 0 }.map { $0 * 8 + differences[$0].leadingZeroBitCount } ?? differences.count * 8
        return equal >= bits
    }
}
