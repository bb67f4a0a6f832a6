import Testing

@testable import HTTPServer

/// Clients that are slow on purpose. Each deadline is absolute: no trickle of bytes moves it.
@Suite(.serialized) struct DeadlineTests {
    @Test("A head that trickles is cut") func slowHead() throws {
        try withServer(TestHandler(), { $0.headSeconds = 1 }) { server, handler in
            let client = try RawClient(port: server.port)
            let start = secondsNow()
            client.send("GET /echo HTTP/1.1\r\nHost: h\r\nX: ")
            try Self.expectCut(client, after: start, atLeast: 0.9, atMost: 3) { client.send("a") }
            #expect(handler.requests.isEmpty)
        }
    }

    @Test("A connection that says nothing is cut") func silence() throws {
        try withServer(TestHandler(), { $0.headSeconds = 1 }) { server, _ in
            let client = try RawClient(port: server.port)
            let start = secondsNow()
            #expect(try client.readToEnd() == "")
            #expect(secondsNow() - start < 3)
        }
    }

    @Test("A body that trickles is cut, and so recorded") func slowBody() throws {
        try withServer(TestHandler(), { $0.bodySeconds = 1 }) { server, handler in
            let client = try RawClient(port: server.port)
            let start = secondsNow()
            client.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n")
            try Self.expectCut(client, after: start, atLeast: 0.9, atMost: 3) { client.send("a") }
            #expect(eventually { handler.records.map(\.outcome) == [.cut] })
        }
    }

    @Test("A reader that does not read is cut") func slowReader() throws {
        try withServer(TestHandler(), { $0.responseSeconds = 1 }) { server, handler in
            let client = try RawClient(port: server.port)
            // 20 MB, more than the kernel takes for a client that reads nothing; each answer for itself buys no time.
            client.send(String(repeating: "GET /page HTTP/1.1\r\nHost: h\r\n\r\n", count: 200))
            #expect(eventually { handler.records.last?.outcome == .cut })
            #expect(eventually(within: 1) { server.statistics.connections == 0 })
        }
    }

    @Test("An idle connection is ended, with no more words") func idle() throws {
        try withServer(TestHandler(), { $0.idleSeconds = 1 }) { server, _ in
            let client = try RawClient(port: server.port)
            client.send("GET /echo HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(try client.readAnswer().status == 200)
            let start = secondsNow()
            #expect(try client.readToEnd() == "")
            #expect(secondsNow() - start < 3)
        }
    }

    @Test("The head of a later request has its own deadline, from its first byte") func laterHead() throws {
        try withServer(
            TestHandler(),
            {
                $0.headSeconds = 1; $0.idleSeconds = 60
            }
        ) { server, _ in
            let client = try RawClient(port: server.port)
            client.send("GET /echo HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(try client.readAnswer().status == 200)
            let start = secondsNow()
            #expect(eventually { secondsNow() - start > 0.3 })
            client.send("GET /echo HTTP/1.1\r\nX: ")
            try Self.expectCut(client, after: start, atLeast: 0.9, atMost: 5) { client.send("a") }
        }
    }

    @Test("A held exchange has no deadline of the server's") func held() throws {
        try withServer(
            TestHandler(),
            { configuration in
                configuration.headSeconds = 1
                configuration.bodySeconds = 1
                configuration.responseSeconds = 1
                configuration.idleSeconds = 1
            }
        ) { server, handler in
            let client = try RawClient(port: server.port)
            client.send(HeldExchangeTests.poll)
            let start = secondsNow()
            #expect(eventually { secondsNow() - start > 3 })
            #expect(server.statistics.suspended == 1)
            handler.takeHeld().first?.complete(Response(status: 200, body: Array("late".utf8)))
            #expect(try client.readAnswer().body == "late")
        }
    }

    /// Trickles until the connection ends, and says when it did.
    private static func expectCut(
        _ client: RawClient, after start: Double, atLeast: Double, atMost: Double, trickle: () -> Bool
    ) throws {
        var next = start
        _ = eventually(within: atMost) {
            guard secondsNow() >= next else { return false }
            next += 0.1
            return !trickle()
        }
        let seconds = secondsNow() - start
        #expect(seconds >= atLeast && seconds < atMost)
        #expect(try client.readToEnd() == "")
    }
}
