import Glibc
import Testing

@testable import HTTPServer

@Suite(.serialized) struct StreamedDownloadTests {
    static func get(_ path: String, method: String = "GET") -> String { "\(method) \(path) HTTP/1.1\r\nHost: h\r\n\r\n" }

    @Test("A long body arrives whole, and the connection goes on") func long() async throws {
        try await withStreamServer { server, handler in
            let client = try RawClient(port: server.port)
            client.send(Self.get("/download"))
            let (head, body) = try client.readLong()
            #expect(head.hasPrefix("HTTP/1.1 200") && head.contains("Content-Length: 50000000"))
            #expect(body.count == 50_000_000)
            #expect(StreamHandler.isRight(body))
            client.send(Self.get("/echo"))
            #expect(try client.readAnswer().body == "ok")
            #expect(eventually { handler.notes.records.map(\.responseBytes) == [50_000_000, 2] })
        }
    }

    @Test("HEAD tells the length and fetches nothing") func head() async throws {
        try await withStreamServer { server, handler in
            let client = try RawClient(port: server.port)
            client.send(Self.get("/download", method: "HEAD"))
            #expect(try client.readAnswer(isHead: true).headers["content-length"] == "50000000")
            client.send(Self.get("/echo"))
            #expect(try client.readAnswer().body == "ok")
            #expect(handler.notes.fetches == 0)
            #expect(eventually { handler.notes.records.map(\.responseBytes) == [0, 2] })
        }
    }

    @Test("A client that does not read stops the source, and is cut when its window is over") func slowReader() async throws {
        try await withStreamServer({ $0.responseSeconds = 2 }) { server, handler in
            let client = try RawClient(port: server.port)
            client.send(Self.get("/download"))
            #expect(eventually { handler.notes.records.map(\.outcome) == [.cut] })
            #expect(handler.notes.fetches < 400, "of 763")
            #expect(eventually { server.statistics.connections == 0 })
            #expect((handler.notes.records.first?.responseBytes ?? .max) < 50_000_000)
            Self.expectNoMoreFetches(handler)
            withExtendedLifetime(client) {}
        }
    }

    @Test("A slow source is not the client's fault") func slowSource() async throws {
        try await withStreamServer({ $0.responseSeconds = 1 }) { server, handler in
            handler.gate.close()
            let client = try RawClient(port: server.port)
            client.send(Self.get("/download"))
            let start = secondsNow()
            #expect(eventually { secondsNow() - start > 2.5 })
            handler.gate.open()
            #expect(try client.readLong().body.count == 50_000_000)
        }
    }

    @Test("Where the source fails, the body ends early and the connection with it") func broken() async throws {
        try await withStreamServer { server, handler in
            let client = try RawClient(port: server.port)
            client.send(Self.get("/broken"))
            let (head, body) = try client.readLong()
            #expect(head.contains("Content-Length: 1000000"))
            #expect(body.count < 1_000_000)
            #expect(eventually { handler.notes.records.map(\.outcome) == [.failed] })
            #expect((handler.notes.records.first?.responseBytes ?? .max) < 1_000_000)
        }
    }

    @Test("A hang-up stops the fetching", arguments: ["close", "reset"]) func hangUp(_ way: String) async throws {
        try await withStreamServer { server, handler in
            let client = try RawClient(port: server.port)
            client.send(Self.get("/download"))
            #expect(eventually { handler.notes.fetches > 4 })
            if way == "close" { client.hangUp() } else { client.reset() }
            #expect(eventually { server.statistics.connections == 0 })
            Self.expectNoMoreFetches(handler)
        }
    }

    @Test("A hang-up is noticed while the source is waited for") func hangUpWhilePaused() async throws {
        try await withStreamServer { server, handler in
            handler.gate.close()
            let client = try RawClient(port: server.port)
            client.send(Self.get("/download"))
            #expect(eventually { handler.gate.waitingCount == 1 })
            client.hangUp()
            #expect(eventually(within: 5) { server.statistics.connections == 0 })
            #expect(handler.gate.waitingCount == 1)
            #expect(handler.notes.records.count == 1)
        }
    }

    /// One that was under way may end.
    private static func expectNoMoreFetches(_ handler: StreamHandler) {
        let (fetches, start) = (handler.notes.fetches, secondsNow())
        #expect(eventually { secondsNow() - start > 0.5 })
        #expect(handler.notes.fetches <= fetches + 1)
    }

    @Test("A stop waits neither for a source nor for a reader", arguments: [true, false]) func stop(_ isSourceStuck: Bool) async throws {
        try await withStreamServer { server, handler in
            if isSourceStuck { handler.gate.close() }
            let client = try RawClient(port: server.port)
            client.send(Self.get("/download"))
            #expect(eventually { isSourceStuck ? handler.gate.waitingCount == 1 : handler.notes.fetches > 4 })
            let start = secondsNow()
            server.stop(within: 0.1)
            #expect(secondsNow() - start < 4)
            #expect(server.statistics.connections == 0)
        }
    }
}

extension RawClient {
    /// An answer with a long body: its head, and what comes of the body until it is whole or the other side ends.
    func readLong() throws -> (head: String, body: [UInt8]) {
        var bytes: [UInt8] = []
        var expected: Int?
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        while true {
            if expected == nil, let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) {
                let head = String(decoding: bytes[..<end.lowerBound], as: UTF8.self)
                let length = head.split(separator: "\r\n").first { $0.lowercased().hasPrefix("content-length:") }
                expected = end.upperBound + (length.flatMap { Int($0.drop { $0 != " " }.dropFirst()) } ?? 0)
            }
            if let expected, bytes.count >= expected { break }
            let count = recv(descriptor, &buffer, buffer.count, 0)
            if count < 0 && errno != ECONNRESET { throw Failure(what: "recv: \(errno)") }
            if count <= 0 { break }
            bytes += buffer[..<count]
        }
        guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { throw Failure(what: "no head") }
        return (String(decoding: bytes[..<end.lowerBound], as: UTF8.self), Array(bytes[end.upperBound...]))
    }
}
