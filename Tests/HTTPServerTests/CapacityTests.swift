import Testing

@testable import HTTPServer

@Suite(.serialized) struct CapacityTests {
    @Test("A connection too many is told 503, and there is room again when one leaves") func limit() throws {
        try withServer(TestHandler(), { $0.connectionLimit = 5 }) { server, _ in
            var clients = try (0..<5).map { _ in try RawClient(port: server.port) }
            for client in clients { client.send(HeldExchangeTests.poll) }
            #expect(eventually { server.statistics.suspended == 5 })
            for _ in 0..<100 {
                let refused = try RawClient(port: server.port)
                refused.send("GET /echo HTTP/1.1\r\nHost: h\r\n\r\n")
                let all = try refused.readToEnd()
                #expect(all.hasPrefix("HTTP/1.1 503"))
                #expect(all.contains("Retry-After: 2\r\n") && all.contains("\r\nDate: ") && all.hasSuffix("connections"))
            }
            #expect(server.statistics.refused == 100)
            #expect(server.statistics.connections == 5)
            clients.removeLast()
            #expect(eventually(within: 2) { server.statistics.connections == 4 })
            let client = try RawClient(port: server.port)
            client.send("GET /echo HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(try client.readAnswer().status == 200)
        }
    }

    @Test("The length that a refusal names is that of its body") func refusalLength() throws {
        try withServer(TestHandler(), { $0.connectionLimit = 1 }) { server, _ in
            let first = try RawClient(port: server.port)
            first.send(HeldExchangeTests.poll)
            #expect(eventually { server.statistics.suspended == 1 })
            let answer = try RawClient(port: server.port).readAnswer()
            #expect(answer.headers["content-length"] == "\(answer.body.utf8.count)")
            #expect(answer.body == "connections")
        }
    }

    @Test("2,000 connections that come and go leave nothing behind") func churn() throws {
        try withServer { server, handler in
            for _ in 0..<100 {
                let clients = try (0..<20).map { _ in try RawClient(port: server.port) }
                for client in clients { client.send("GET /echo HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n") }
                for client in clients { #expect(try client.readAnswer().status == 200) }
            }
            #expect(eventually { server.statistics == ServerStatistics(connections: 0, suspended: 0, refused: 0) })
            #expect(handler.records.count == 2000)
        }
    }
}
