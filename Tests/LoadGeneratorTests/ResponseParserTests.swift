import Testing

@testable import LoadGenerator

@Suite struct ResponseParserTests {
    private func parse(_ text: String) -> ResponseParser.Progress {
        var parser = ResponseParser()
        return parser.parse(Array(text.utf8).span)
    }

    @Test func `a whole response has its status, its body and its length`() {
        let text = "HTTP/1.1 201 Created\r\nDate: x\r\ncontent-LENGTH:  5\r\n\r\nhello"
        let body = text.utf8.count - 5..<text.utf8.count
        #expect(parse(text) == .complete(.init(status: 201, body: body, closesConnection: false)))
    }

    @Test func `a response that comes byte by byte is complete at its last byte`() {
        let bytes = Array("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}".utf8)
        var parser = ResponseParser()
        for count in 0..<bytes.count {
            let progress = parser.parse(bytes.span.extracting(..<count))
            #expect(progress == .incomplete)
        }
        let body = bytes.count - 2..<bytes.count
        let progress = parser.parse(bytes.span)
        #expect(progress == .complete(.init(status: 200, body: body, closesConnection: false)))
    }

    @Test func `a parser is ready for the next response after a whole one`() {
        let bytes = Array("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".utf8)
        var parser = ResponseParser()
        let first = parser.parse(bytes.span)
        #expect(first == .complete(.init(status: 200, body: bytes.count..<bytes.count, closesConnection: false)))
        let second = parser.parse(bytes.span)
        #expect(second == first)
    }

    @Test func `what follows a response is not part of it`() {
        let text = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1"
        guard case .complete(let response) = parse(text) else {
            Issue.record("the response is whole")
            return
        }
        #expect(response.length == text.utf8.count - 8)
    }

    @Test func `a status without a body needs no length`() {
        let text = "HTTP/1.1 204 No Content\r\n\r\n"
        let end = text.utf8.count
        #expect(parse(text) == .complete(.init(status: 204, body: end..<end, closesConnection: false)))
    }

    @Test func `a server that closes says so`() {
        guard case .complete(let response) = parse("HTTP/1.1 503 X\r\nConnection: Close\r\nContent-Length: 0\r\n\r\n") else {
            Issue.record("the response is whole")
            return
        }
        #expect(response.closesConnection)
    }

    @Test(arguments: [
        "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 2x0 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "\r\n\r\n\r\n\r\n",
    ])
    func `anything else is malformed`(text: String) {
        #expect(parse(text) == .malformed)
    }

    @Test func `a head without an end is malformed at last`() {
        #expect(parse("HTTP/1.1 200 OK\r\nX: " + String(repeating: "x", count: 20_000)) == .malformed)
    }
}
