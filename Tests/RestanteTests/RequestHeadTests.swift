import HTTPServer
import Testing

@testable import Restante

/// What the edge makes of a request's headers.
@Suite struct RequestHeadTests {
    @Test(arguments: [
        "application/json", "Application/JSON", "application/json; charset=utf-8", "application/json ;charset=latin1", " application/json\t",
    ])
    func jsonIsRecognised(header: String) {
        #expect(MediaType(header) == .json)
    }

    @Test(arguments: [
        nil, "", "text/plain", "application/jsonp", "application/problem+json", "application", "text/html; application/json", ";application/json",
    ])
    func anythingElseIsNot(header: String?) {
        #expect(MediaType(header) == .other)
    }

    @Test(arguments: ["a", "A-Z.0_9", String(repeating: "x", count: 64)])
    func aClientsOwnRequestIdIsKept(text: String) {
        #expect(RequestIdentifier.of(head(["x-request-id": text])) == text)
    }

    @Test(arguments: ["", "a b", "a/b", "ä", "a\n", "a,b", String(repeating: "x", count: 65)])
    func anIdOfAnotherFormIsReplaced(text: String) {
        let own = RequestIdentifier.of(head(["X-Request-Id": text]))
        #expect(own != text)
        #expect(RequestIdentifier.isAcceptable(own))
    }

    @Test func aMadeIdIsFifteenHexDigitsAndNotTheSameTwice() {
        let made = (0..<1_000).map { _ in RequestIdentifier.of(head([:])) }
        #expect(made.allSatisfy { $0.utf8.count == 15 && $0.allSatisfy(\.isHexDigit) })
        #expect(Set(made).count == 1_000)
    }

    private func head(_ headers: KeyValuePairs<String, String>) -> RequestHead {
        RequestHead(method: .get, path: "/", peer: .loopback, headers: headers.map { (name: $0.key, value: $0.value) })
    }
}
