import Testing

@testable import HTTPServer

@Suite struct RequestTargetTests {
    @Test(
        "A plain path is kept as it is",
        arguments: ["/", "/v1/sendMessage", "/a/", "/problems/not-found", "/a.b/..c/d...", "/~a_b-c!$&'()*+,;=:@"])
    func plain(_ path: String) throws {
        #expect(try target(path).path == path)
    }

    @Test("Escapes are decoded once") func decoded() throws {
        #expect(try target("/caf%C3%A9/%25%37").path == "/café/%7")
        #expect(try target("/a%3Fb").path == "/a?b")
    }

    @Test("A query is a list in the order sent, in which a name may come again") func query() throws {
        let parsed = try target("/a?userId=1&userId=2&&flag&x=a%3Db=c&t=2026-01-31T12:00:00+01:00&=v")
        let expected = ["userId=1", "userId=2", "flag=", "x=a=b=c", "t=2026-01-31T12:00:00+01:00", "=v"]
        #expect(parsed.query.map { "\($0.name)=\($0.value)" } == expected)
        #expect(try target("/a?").query.isEmpty)
        #expect(try target("/a").query.isEmpty)
        #expect(try target("/a?p=%2Fx%2e%5c").query.first?.value == "/x.\\")
    }

    @Test(
        "What two parsers may read differently is refused",
        arguments: [
            "", "a", "*", "http://h/a", "//a", "/a//b", "/a//", "/.", "/..", "/a/.", "/a/..", "/a/./b", "/a/../b", "/../a", "/a/..?x",
            "/%2e", "/%2E%2e/a", "/a%2fb", "/a%2Fb", "/a%5Cb", "/a\\b", "/a%00", "/a%0a", "/a%1f", "/a%7f", "/a%", "/a%4", "/a%zz",
            "/a%+1", "/a#b", "/a b", "/a\tb", "/a\u{7F}", "/é", "/a\"b", "/a<b", "/%ff", "/%c0%af", "/%ed%a0%80", "/a?x=%00", "/a?x=%ff",
            "/a?x=%0d%0a", "/a?x=%", "/a?x#y", "/a?é",
        ])
    func refused(_ text: String) {
        let rejection = #expect(throws: Rejection.self) { try target(text) }
        #expect(rejection?.status == 400)
    }

    @Test("4,608 bytes are a target and 4,609 are not") func length() throws {
        #expect(try target("/" + String(repeating: "a", count: 4607)).path.utf8.count == 4608)
        #expect(throws: Rejection.uriTooLong) { try target("/" + String(repeating: "a", count: 4608)) }
    }

    private func target(_ text: String) throws -> RequestTarget {
        try Array(text.utf8).withUnsafeBufferPointer { try RequestTarget($0) }
    }
}
