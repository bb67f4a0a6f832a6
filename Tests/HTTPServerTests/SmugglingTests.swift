import Testing

@testable import HTTPServer

/// A request, and the statuses with which it may be refused; 0 is an end without a word.
struct Probe: Sendable, CustomTestStringConvertible {
    let text: String
    let statuses: Set<Int>
    var testDescription: String { text.debugDescription }
}

/// Requests that two parsers may read differently, over a real socket. In each, `/second` is what an attacker hopes to get
/// in. It must not be answered, and the connection must end.
@Suite struct SmugglingTests {
    static let second = "GET /second HTTP/1.1\r\nHost: h\r\n\r\n"

    static func post(_ fields: String, _ body: String = second, _ statuses: Set<Int> = [400]) -> Probe {
        Probe(text: "POST /first HTTP/1.1\r\nHost: h\r\n\(fields)\r\n\r\n\(body)", statuses: statuses)
    }

    static func line(_ line: String, _ statuses: Set<Int> = [400]) -> Probe {
        Probe(text: "\(line)\r\nHost: h\r\n\r\n\(second)", statuses: statuses)
    }

    static let framing: [Probe] = [
        post("Content-Length: 4\r\nTransfer-Encoding: chunked", "0\r\n\r\n" + second),
        post("Transfer-Encoding: chunked\r\nContent-Length: 4", "0\r\n\r\n" + second),
        post("Content-Length: 0\r\nContent-Length: 34"),
        post("Content-Length: 0\r\nContent-Length: 0"),
        post("Content-Length : 0"),
        post("Content-Length\t: 0"),
        post("Content_Length: 34"),
        post("Transfer-Encoding: gzip, chunked", "0\r\n\r\n" + second, [501]),
        post("Transfer-Encoding: identity", second, [501]),
        post("Transfer-Encoding: xchunked", "0\r\n\r\n" + second, [501]),
        post("Transfer-Encoding: chunked, chunked", "0\r\n\r\n" + second, [501]),
        post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", "0\r\n\r\n" + second),
        post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "0\r\n\r\n" + second),
        post("Transfer-Encoding : chunked", "0\r\n\r\n" + second),
        post("Transfer-Encoding:\r\n chunked", "0\r\n\r\n" + second),
        post("Transfer-Encoding:\r\n\tchunked", "0\r\n\r\n" + second),
        post("X: a\r\n Transfer-Encoding: chunked", "0\r\n\r\n" + second),
        post("Content-Length:\r\n 34"),
        post("Transfer_Encoding: chunked", "0\r\n\r\n" + second),
        post("Transfer-Encoding: \"chunked\"", "0\r\n\r\n" + second, [501]),
        post("Transfer-Encoding: \u{B}chunked", "0\r\n\r\n" + second),
        Probe(text: "POST /first HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + second, statuses: [400]),
        Probe(text: "POST /first HTTP/1.0\r\nHost: h\r\n\r\n" + second, statuses: [411]),
        Probe(text: "GET /first HTTP/1.1\r\nHost: h\r\nContent-Length: 34\r\n\r\n" + second, statuses: [400]),
        Probe(text: "GET /first HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + second, statuses: [400]),
        Probe(text: "DELETE /first HTTP/1.1\r\nHost: h\r\nContent-Length: 34\r\n\r\n" + second, statuses: [400]),
        Probe(text: "HEAD /first HTTP/1.1\r\nHost: h\r\nContent-Length: 34\r\n\r\n" + second, statuses: [400]),
    ]

    static let fields: [Probe] = [
        Probe(text: "GET /first HTTP/1.1\r\n\r\n" + second, statuses: [400]),
        Probe(text: "GET /first HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" + second, statuses: [400]),
        Probe(text: "GET /first HTTP/1.1\r\nHost: a b\r\n\r\n" + second, statuses: [400]),
        Probe(text: "GET /first HTTP/1.1\r\nHost: a/b\r\n\r\n" + second, statuses: [400]),
        Probe(text: "GET /first HTTP/1.1\r\nHost: h\r\n X: folded\r\n\r\n" + second, statuses: [400]),
        Probe(text: "GET /first HTTP/1.1\r\n X: first\r\nHost: h\r\n\r\n" + second, statuses: [400]),
        Probe(text: "GET /first HTTP/1.1\r\nHost: h\r\nX Y: z\r\n\r\n" + second, statuses: [400]),
        Probe(text: "GET /first HTTP/1.1\r\nHost: h\r\nX\u{1}: z\r\n\r\n" + second, statuses: [400]),
        Probe(text: "GET /first HTTP/1.1\r\nHost: h\r\nX: \u{1B}[31m\r\n\r\n" + second, statuses: [400]),
        Probe(text: "GET /first HTTP/1.1\r\nHost: h\r\nX: \u{7F}\r\n\r\n" + second, statuses: [400]),
        Probe(text: "GET /first HTTP/1.1\r\nHost: h\r\nAuthorization: a\r\nAuthorization: b\r\n\r\n" + second, statuses: [400]),
        Probe(text: "POST /first HTTP/1.1\r\nHost: h\r\nContent-Length: 34\r\nExpect: later\r\n\r\n" + second, statuses: [417]),
    ]

    static let lines: [Probe] = [
        line("BREW /first HTTP/1.1", [501]),
        line("get /first HTTP/1.1", [501]), line("GET /first HTTP/1.2", [505]), line("GET /first HTTP/2.0", [505]),
        line("GET /first HTTP/0.9", [505]), line("GET first HTTP/1.1"), line("GET http://h/first HTTP/1.1"),
        line("OPTIONS * HTTP/1.1"),
        line("GET //first HTTP/1.1"), line("GET /a//b HTTP/1.1"), line("GET /a/../first HTTP/1.1"),
        line("GET /a/%2e%2e/first HTTP/1.1"),
        line("GET /a%2ffirst HTTP/1.1"), line("GET /a%5cfirst HTTP/1.1"), line("GET /a\\first HTTP/1.1"),
        line("GET /first%00 HTTP/1.1"), line("GET /first\0 HTTP/1.1"), line("GET /first\0/../x HTTP/1.1"), line("GET /first?a=b\0&c=d HTTP/1.1"),
        line("GET\0X /first HTTP/1.1"), line("GET  /first HTTP/1.1"),
        line("GET /first%0d%0aX:y HTTP/1.1"), line("GET /first%zz HTTP/1.1"), line("GET /first%ff HTTP/1.1"),
        line("GET /f?x=%00 HTTP/1.1"),
        line("GET /first#f HTTP/1.1"), line("GET /a b HTTP/1.1"), line("GET  HTTP/1.1"), line("GET /\u{e9} HTTP/1.1"),
        line("GET /" + String(repeating: "a", count: 4700) + " HTTP/1.1", [414]),
    ]

    /// Refused by libmicrohttpd's own parser. What matters is that nothing of the rest is served and the connection ends.
    static let unparsed: [Probe] = [
        post("Content-Length: +4"), post("Content-Length: -1"), post("Content-Length: 4, 4"), post("Content-Length: 0x4"),
        post("Content-Length: 99999999999999999999999999", second, [400, 413]), post("X"),
        post("Transfer-Encoding: chunked", "zz\r\n\r\n" + second), post("Transfer-Encoding: chunked", "-1\r\n\r\n" + second),
        post("X: " + String(repeating: "a", count: 7000), second, [431]),
        line("GET", [0]), line("\0\0\0", [0, 400]), line("GET /first", [400, 505]), line("PRI * HTTP/2.0", [501, 505]),
        Probe(text: "\u{16}\u{3}\u{1}\0\r\n\r\n", statuses: [0]),
    ]

    @Test("A request with two meanings is refused once, and ends the connection", arguments: framing + fields + lines)
    func refused(_ probe: Probe) throws {
        let all = try Self.send(probe)
        #expect(all.ranges(of: "HTTP/1.1 ").count == 1)
        #expect(all.lowercased().contains("connection: close"))
    }

    @Test("What cannot be parsed ends the connection", arguments: unparsed) func endsTheConnection(_ probe: Probe) throws {
        _ = try Self.send(probe)
    }

    /// Checks what holds for all: a refusal of the right status, the end, and no sign of the second request.
    private static func send(_ probe: Probe) throws -> String {
        var all = ""
        try withServer { server, handler in
            let client = try RawClient(port: server.port)
            client.send(probe.text)
            all = try client.readToEnd()
            let status = Int(all.split(separator: " ").dropFirst().first ?? "") ?? 0
            #expect(probe.statuses.contains(status), "\(all)")
            #expect(!handler.requests.contains { $0.path == "/second" })
            #expect(!all.contains("HTTP/1.1 2"))
        }
        return all
    }
}
