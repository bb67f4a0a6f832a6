import JSON
import Postgres
import Testing

@testable import Restante

@Suite struct RelayServersTests {
    private let user = Identifier(high: 0x0198_C0DE_7A10_7C3E, low: 0x9D52_3F1B_2A4C_5D6E)
    private let now = Timestamp(milliseconds: 1_769_860_800_999)

    /// The credential is what `printf %s <username> | openssl dgst -sha1 -hmac secret -binary | base64` prints.
    @Test func credentialsAreThoseThatCoturnMakes() throws {
        let servers = RelayServers(urls: ["turn:turn.example"], secret: "secret").iceServers(for: user, at: now)
        let server = try #require(servers.elements.first)
        #expect(server["username"]?.string == "1769864400:0198c0de-7a10-7c3e-9d52-3f1b2a4c5d6e")
        #expect(server["credential"]?.string == "8cOIPffx+ebfoyYoNIEt2ccM7BQ=")
        #expect(server["urls"]?.elements.compactMap(\.string) == ["turn:turn.example"])
    }

    @Test func withoutUrlsOrSecretThereAreNone() {
        #expect(RelayServers(urls: [], secret: "secret").iceServers(for: user, at: now).count == 0)
        #expect(RelayServers(urls: ["turn:turn.example"], secret: nil).iceServers(for: user, at: now).count == 0)
    }

    @Test func urlsAreTurnAndStun() {
        #expect(RelayServers.urls("turn:a.example, stun:b.example:3478") == ["turn:a.example", "stun:b.example:3478"])
        for text in ["", "http://a.example", "turn:", "turn:a.example,", "turn:a.example,x"] { #expect(RelayServers.urls(text) == nil) }
    }
}
