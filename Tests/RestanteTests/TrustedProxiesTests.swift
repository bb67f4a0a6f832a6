import HTTPServer
import Testing

@testable import Restante

@Suite struct TrustedProxiesTests {
    private func client(of peer: String, trusting proxies: String, forwarded fields: String...) throws -> String {
        let head = RequestHead(
            method: .get, path: "/", peer: try #require(PeerAddress(text: peer)), headers: fields.map { ("X-Forwarded-For", $0) })
        return try #require(TrustedProxies(proxies)).client(of: head).description
    }

    @Test func whoIsNoTrustedProxyIsTheClientWhateverItSays() throws {
        #expect(try client(of: "192.0.2.1", trusting: "10.0.0.0/8", forwarded: "198.51.100.7") == "192.0.2.1")
        let head = RequestHead(method: .get, path: "/", peer: .loopback, headers: [("X-Forwarded-For", "198.51.100.7")])
        #expect(TrustedProxies().client(of: head) == .loopback)
    }

    @Test func theLastHopThatIsNoTrustedProxyIsTheClient() throws {
        #expect(try client(of: "10.1.2.3", trusting: "10.0.0.0/8", forwarded: "198.51.100.7") == "198.51.100.7")
        #expect(try client(of: "10.1.2.3", trusting: "10.0.0.0/8", forwarded: "203.0.113.9, 198.51.100.7, 10.9.9.9") == "198.51.100.7")
        #expect(try client(of: "10.1.2.3", trusting: "10.0.0.0/8", forwarded: "203.0.113.9", "198.51.100.7") == "198.51.100.7")
        #expect(try client(of: "10.1.2.3", trusting: "10.0.0.0/8", forwarded: "10.0.0.1, 10.0.0.2") == "10.0.0.1")
    }

    @Test func aHopThatIsNoAddressEndsTheSearch() throws {
        #expect(try client(of: "10.1.2.3", trusting: "10.0.0.0/8", forwarded: "198.51.100.7, unknown") == "10.1.2.3")
        #expect(try client(of: "10.1.2.3", trusting: "10.0.0.0/8", forwarded: "198.51.100.7, unknown, 10.7.7.7") == "10.7.7.7")
        #expect(try client(of: "10.1.2.3", trusting: "10.0.0.0/8", forwarded: "") == "10.1.2.3")
    }

    @Test(arguments: [
        ("198.51.100.7:4711", "198.51.100.7"), ("[2001:db8::9]:4711", "2001:db8::9"), ("[2001:db8::9]", "2001:db8::9"),
        ("2001:db8::9", "2001:db8::9"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
    ])
    func portsAndBracketsAreNotOfTheAddress(hop: String, address: String) throws {
        #expect(try client(of: "::1", trusting: "::1", forwarded: hop) == address)
    }

    @Test(arguments: [
        ("192.0.2.128/25", "192.0.2.129", true), ("192.0.2.128/25", "192.0.2.127", false), ("0.0.0.0/0", "203.0.113.9", true),
        ("0.0.0.0/0", "2001:db8::1", false), ("2001:db8::/33", "2001:db8:7fff::1", true), ("2001:db8::/33", "2001:db8:8000::1", false),
        ("192.0.2.1", "192.0.2.1", true), ("192.0.2.1", "192.0.2.2", false),
    ])
    func aNetworkIsTheBitsInFront(network: String, proxy: String, isTrusted: Bool) throws {
        #expect(try client(of: proxy, trusting: network, forwarded: "198.51.100.7") == (isTrusted ? "198.51.100.7" : proxy))
    }

    @Test(arguments: ["", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "2001:db8::/129", "proxy.example", "10.0.0.1,", "10.0.0.1 10.0.0.2", "/8"])
    func whatIsNoListOfNetworksIsRefused(text: String) {
        #expect(TrustedProxies(text) == nil)
    }
}
