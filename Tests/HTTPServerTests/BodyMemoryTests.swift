import Testing

@testable import HTTPServer

/// Bodies that are being received take no more memory, over all connections, than they may.
@Suite(.serialized) struct BodyMemoryTests {
    static func head(_ path: String, _ count: Int) -> String { "POST \(path) HTTP/1.1\r\nHost: h\r\nContent-Length: \(count)\r\n\r\n" }

    static func body(_ count: Int) -> String { String(repeating: "b", count: count) }

    @Test("What there is no memory for is told 503; short bodies always fit; what ends makes room") func messages() throws {
        try withServer(TestHandler(), { $0.bodyMemory = 300_000 }) { server, handler in
            let first = try RawClient(port: server.port)
            first.send(Self.head("/size", 250_000) + Self.body(249_999))
            #expect(eventually { server.bodies.bytes == 250_000 - BodyBudget.uncounted })
            let second = try RawClient(port: server.port)
            second.send(Self.head("/size", 250_000) + Self.body(250_000))
            let refused = try second.readAnswer()
            #expect(refused.status == 503 && refused.body == "/size")
            second.send(Self.head("/size", 16_000) + Self.body(16_000))
            #expect(try second.readAnswer().body == "16000")
            first.send("b")
            #expect(try first.readAnswer().body == "250000")
            #expect(server.bodies.bytes == 0)
            second.send(Self.head("/size", 250_000) + Self.body(250_000))
            #expect(try second.readAnswer().body == "250000")
            first.send(Self.head("/size", 250_000) + Self.body(100_000))
            #expect(eventually { server.bodies.bytes > 0 })
            first.hangUp()
            #expect(eventually { server.bodies.bytes == 0 })
        }
    }

    @Test("A body that nobody reads gives its memory back", arguments: ["/none", "/hold"]) func unread(_ path: String) throws {
        try withServer(TestHandler(), { $0.bodyMemory = 300_000 }) { server, handler in
            let client = try RawClient(port: server.port)
            client.send(Self.head("/large\(path)", 200_000) + Self.body(200_000))
            if path == "/hold" {
                #expect(eventually { server.statistics.suspended == 1 })
                #expect(server.bodies.bytes == 200_000 - BodyBudget.uncounted)
                client.hangUp()
            } else {
                #expect(try client.readAnswer().status == 204)
            }
            #expect(eventually { handler.takeHeld().isEmpty && server.bodies.bytes == 0 })
        }
    }

    @Test("A piece of a streamed body counts while nobody takes it") func streams() async throws {
        try await withStreamServer({ $0.bodyMemory = IncomingFlow.pieceBytes }) { server, handler in
            handler.gate.close()
            let first = try RawClient(port: server.port)
            first.send(Self.head("/upload", 500_000))
            first.send(StreamHandler.bytes(from: 0, count: 500_000))
            #expect(eventually { server.bodies.bytes == IncomingFlow.pieceBytes })
            let second = try RawClient(port: server.port)
            second.send(Self.head("/upload", 3_000_000) + Self.body(1000))
            #expect(try second.readToEnd().hasPrefix("HTTP/1.1 503"))
            handler.gate.open()
            #expect(try first.readAnswer().body == "500000")
            #expect(eventually { server.bodies.bytes == 0 })
        }
    }

    @Test("Memory doubles until the length that was announced, and is counted before it is taken") func growth() {
        let budget = BodyBudget(limit: 50_000)
        var body = GatheredBody()
        let piece = [UInt8](repeating: 1, count: 5000)
        var counted: [Int] = []
        for _ in 0..<12 {
            let isTaken = piece.withUnsafeBytes { body.append($0, expecting: 60_000, from: budget) }
            #expect(isTaken)
            counted.append(budget.bytes)
        }
        #expect(counted == [0, 0, 0, 16_384, 16_384, 16_384, 43_616, 43_616, 43_616, 43_616, 43_616, 43_616])
        #expect(!budget.take(10_000))
        #expect(body.take(givingBackTo: budget).count == 60_000)
        #expect(budget.bytes == 0)
    }
}
