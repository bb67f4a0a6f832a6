import Testing

@testable import HTTPServer

/// A chunk's head that is longer than the connection's memory: libmicrohttpd can read no further, says nothing, and calls its daemon ready for ever.
@Suite(.serialized) struct EndlessChunkHeadTests {
    static let head = "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
    static let request = head + "1;"

    @Test("It costs no time, and ends with the body's deadline", arguments: ["1;", ""]) func alone(_ start: String) throws {
        try withServer(TestHandler(), Self.one) { server, handler in
            let client = try RawClient(port: server.port)
            client.send(Self.head + start + String(repeating: start.isEmpty ? "0" : "a", count: 8000))
            try Self.expectRest(server, handler, after: 1)
            #expect(handler.records.map(\.outcome) == [.cut])
            withExtendedLifetime(client) {}
        }
    }

    /// Once a connection has been suspended, its socket is looked at again only after a read that came up short; here none does.
    @Test("Behind a held request, too, where the socket is looked at no more") func behind() throws {
        try withServer(TestHandler(), Self.one) { server, handler in
            let client = try RawClient(port: server.port)
            client.send(HeldExchangeTests.poll + Self.request + String(repeating: "a", count: 30_000))
            #expect(eventually { handler.heldCount == 1 })
            handler.takeHeld().first?.complete(Response(status: 200))
            try Self.expectRest(server, handler, after: 2)
            #expect(handler.records.map(\.outcome) == [.answered, .cut])
            withExtendedLifetime(client) {}
        }
    }

    @Test("Others on the same daemon are served without delay") func others() throws {
        try withServer(
            TestHandler(),
            {
                Self.one(&$0); $0.bodySeconds = 30
            }
        ) { server, handler in
            let client = try RawClient(port: server.port)
            client.send(Self.request + String(repeating: "a", count: 8000))
            #expect(eventually { handler.requests.count == 1 })
            let other = try RawClient(port: server.port)
            let start = secondsNow()
            for _ in 0..<40 {
                other.send("POST /echo HTTP/1.1\r\nHost: h\r\nX: \(String(repeating: "x", count: 4000))\r\nContent-Length: 3\r\n\r\nabc")
                #expect(try other.readAnswer().body == "abc")
            }
            #expect(secondsNow() - start < 10, "two a second if each waited for a sweep")
            withExtendedLifetime(client) {}
        }
    }

    private static func one(_ configuration: inout ServerConfiguration) {
        configuration.workers = 1
        configuration.daemonsPerWorker = 1
        configuration.bodySeconds = 1
    }

    /// From the moment when so many requests have begun.
    private static func expectRest(_ server: Server, _ handler: TestHandler, after requests: Int) throws {
        #expect(eventually { handler.requests.count == requests })
        let before = try #require(handler.threadSeconds)
        #expect(eventually { server.statistics.connections == 0 })
        #expect(try #require(handler.threadSeconds) - before < 0.1)
    }
}
