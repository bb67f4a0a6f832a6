import Testing

@testable import HTTPServer

@Suite struct RequestGuardTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        var method = HTTPServer.Method.post
        var version = "HTTP/1.1"
        let fields: [(String, String)]
        let verdict: Result<RequestGuard.Body, Rejection>
        var testDescription: String { name }

        init(
            _ name: String, _ method: HTTPServer.Method = .post, _ version: String = "HTTP/1.1", _ fields: [(String, String)],
            _ status: Int
        ) {
            self.name = name
            self.method = method
            self.version = version
            self.fields = fields
            verdict = .failure(Self.rejection(status))
        }

        init(accepts name: String, _ method: HTTPServer.Method, _ version: String, _ fields: [(String, String)], _ body: RequestGuard.Body) {
            self.name = name
            self.method = method
            self.version = version
            self.fields = fields
            verdict = .success(body)
        }

        private static func rejection(_ status: Int) -> Rejection {
            switch status {
            case 411: .lengthRequired
            case 417: .expectationFailed
            case 431: .headersTooLarge
            case 501: .unsupportedTransferCoding
            case 505: .unsupportedVersion
            default: .malformed("")
            }
        }
    }

    static let host = ("Host", "example.org")

    static let accepted: [Case] = [
        Case(accepts: "a plain GET", .get, "HTTP/1.1", [host], .none),
        Case(accepts: "a GET that says it has no body", .get, "HTTP/1.1", [host, ("Content-Length", "0")], .none),
        Case(accepts: "a POST with a length", .post, "HTTP/1.1", [host, ("Content-Length", "12")], .length(12)),
        Case(accepts: "a POST with leading zeros in its length", .post, "HTTP/1.1", [host, ("content-length", "0012")], .length(12)),
        Case(accepts: "a length beyond any limit", .post, "HTTP/1.1", [host, ("Content-Length", "18446744073709551615")], .length(Int.max)),
        Case(accepts: "a POST of nothing", .post, "HTTP/1.1", [host], .none),
        Case(accepts: "a chunked POST", .post, "HTTP/1.1", [host, ("Transfer-Encoding", "Chunked")], .chunked),
        Case(accepts: "a GET of HTTP/1.0 without Host", .get, "HTTP/1.0", [], .none),
        Case(accepts: "a POST of HTTP/1.0 with a length", .post, "HTTP/1.0", [("Content-Length", "1")], .length(1)),
        Case(accepts: "an empty Host", .get, "HTTP/1.1", [("Host", "")], .none),
        Case(accepts: "an IPv6 Host", .get, "HTTP/1.1", [("Host", "[::1]:8080")], .none),
        Case(accepts: "an expectation", .put, "HTTP/1.1", [host, ("Content-Length", "1"), ("Expect", "100-Continue")], .length(1)),
        Case(accepts: "a value with bytes above ASCII", .get, "HTTP/1.1", [host, ("X-Name", "Zoë")], .none),
        Case(accepts: "a value with a tab", .get, "HTTP/1.1", [host, ("X-Name", "a\tb")], .none),
    ]

    static let refused: [Case] = [
        Case("no Host", .get, "HTTP/1.1", [], 400),
        Case("two Hosts", .get, "HTTP/1.1", [host, ("host", "b")], 400),
        Case("two equal Hosts in HTTP/1.0", .get, "HTTP/1.0", [host, host], 400),
        Case("a Host with a slash", .get, "HTTP/1.1", [("Host", "a/b")], 400),
        Case("a Host with user information", .get, "HTTP/1.1", [("Host", "a@b")], 400),
        Case("a Host list", .get, "HTTP/1.1", [("Host", "a, b")], 400),
        Case("two lengths", .post, "HTTP/1.1", [host, ("Content-Length", "1"), ("Content-Length", "2")], 400),
        Case("two equal lengths", .post, "HTTP/1.1", [host, ("Content-Length", "1"), ("Content-Length", "1")], 400),
        Case("a length list", .post, "HTTP/1.1", [host, ("Content-Length", "1, 1")], 400),
        Case("a signed length", .post, "HTTP/1.1", [host, ("Content-Length", "+1")], 400),
        Case("a negative length", .post, "HTTP/1.1", [host, ("Content-Length", "-1")], 400),
        Case("a hexadecimal length", .post, "HTTP/1.1", [host, ("Content-Length", "0x1")], 400),
        Case("an empty length", .post, "HTTP/1.1", [host, ("Content-Length", "")], 400),
        Case("a length and a coding", .post, "HTTP/1.1", [host, ("Content-Length", "1"), ("Transfer-Encoding", "chunked")], 400),
        Case("two codings", .post, "HTTP/1.1", [host, ("Transfer-Encoding", "chunked"), ("Transfer-Encoding", "chunked")], 400),
        Case("gzip, chunked", .post, "HTTP/1.1", [host, ("Transfer-Encoding", "gzip, chunked")], 501),
        Case("identity", .post, "HTTP/1.1", [host, ("Transfer-Encoding", "identity")], 501),
        Case("chunked with a blank after it", .post, "HTTP/1.1", [host, ("Transfer-Encoding", "chunked ")], 501),
        Case("chunked with a vertical tab before it", .post, "HTTP/1.1", [host, ("Transfer-Encoding", "\u{B}chunked")], 400),
        Case("an empty coding", .post, "HTTP/1.1", [host, ("Transfer-Encoding", "")], 501),
        Case("a coding in HTTP/1.0", .post, "HTTP/1.0", [host, ("Transfer-Encoding", "chunked")], 400),
        Case("a folded coding", .post, "HTTP/1.1", [host, ("Transfer-Encodingchunked", "")], 400),
        Case("a folded length", .post, "HTTP/1.1", [host, ("Content-Length5", "")], 400),
        Case("Content_Length", .post, "HTTP/1.1", [host, ("Content_Length", "5")], 400),
        Case("TRANSFER_ENCODING", .post, "HTTP/1.1", [host, ("TRANSFER_ENCODING", "chunked")], 400),
        Case("a blank before the colon", .post, "HTTP/1.1", [host, ("Content-Length ", "5")], 400),
        Case("a blank before the name", .post, "HTTP/1.1", [host, (" Content-Length", "5")], 400),
        Case("an empty name", .get, "HTTP/1.1", [host, ("", "5")], 400),
        Case("a name with a colon", .get, "HTTP/1.1", [host, ("A:B", "5")], 400),
        Case("a name above ASCII", .get, "HTTP/1.1", [host, ("Zoë", "5")], 400),
        Case("a bare CR in a value", .get, "HTTP/1.1", [host, ("A", "b\rc")], 400),
        Case("a NUL in a value", .get, "HTTP/1.1", [host, ("A", "b\0c")], 400),
        Case("an escape character in a value", .get, "HTTP/1.1", [host, ("A", "\u{1B}[31m")], 400),
        Case("a DEL in a value", .get, "HTTP/1.1", [host, ("A", "\u{7F}")], 400),
        Case("two Authorizations", .get, "HTTP/1.1", [host, ("Authorization", "a"), ("authorization", "b")], 400),
        Case("a GET with a body", .get, "HTTP/1.1", [host, ("Content-Length", "1")], 400),
        Case("a chunked GET", .get, "HTTP/1.1", [host, ("Transfer-Encoding", "chunked")], 400),
        Case("a HEAD with a body", .head, "HTTP/1.1", [host, ("Content-Length", "1")], 400),
        Case("a DELETE with a body", .delete, "HTTP/1.1", [host, ("Content-Length", "1")], 400),
        Case("a POST of HTTP/1.0 without a length", .post, "HTTP/1.0", [host], 411),
        Case("another expectation", .post, "HTTP/1.1", [host, ("Expect", "200-ok"), ("Content-Length", "1")], 417),
        Case("HTTP/1.2", .get, "HTTP/1.2", [host], 505),
        Case("HTTP/2.0", .get, "HTTP/2.0", [host], 505),
        Case("http/1.1", .get, "http/1.1", [host], 505),
        Case("no version", .get, "", [host], 505),
        Case("20 KiB of fields", .get, "HTTP/1.1", [host] + (0..<20).map { ("X-\($0)", String(repeating: "a", count: 1024)) }, 431),
    ]

    @Test("A request with one meaning is let through", arguments: accepted) func accepts(_ given: Case) throws {
        #expect(try Self.judge(given) == given.verdict.get())
    }

    @Test("A request with two meanings, or none, is refused", arguments: refused) func refuses(_ given: Case) throws {
        let rejection = #expect(throws: Rejection.self) { try Self.judge(given) }
        guard case .failure(let expected) = given.verdict else { return }
        #expect(rejection?.status == expected.status)
    }

    @Test("Only the expectation that is understood is noted") func expectation() throws {
        var fields = try Self.guardOfRoot()
        #expect(!fields.expectsContinue)
        Self.feed(&fields, ("Expect", "100-continue"))
        #expect(fields.expectsContinue)
    }

    private static func judge(_ given: Case) throws -> RequestGuard.Body {
        var fields = try guardOfRoot()
        for field in given.fields { feed(&fields, field) }
        return try fields.body(method: given.method, version: given.version)
    }

    private static func guardOfRoot() throws -> RequestGuard {
        let target = try Array("/".utf8).withUnsafeBufferPointer { try RequestTarget($0) }
        return RequestGuard(connectionMemory: 32_768, target: target)
    }

    private static func feed(_ fields: inout RequestGuard, _ field: (String, String)) {
        Array(field.0.utf8).withUnsafeBufferPointer { name in
            Array(field.1.utf8).withUnsafeBufferPointer { fields.field(name: name, value: $0) }
        }
    }
}
