import Dispatch
import Glibc
import Testing

@testable import HTTPServer

@Suite(.serialized) struct StreamedUploadTests {
    static let piece = StreamHandler.bytes(from: 0, count: 2039 * 512)

    static func head(_ path: String, _ fields: String) -> String { "POST \(path) HTTP/1.1\r\nHost: h\r\n\(fields)\r\n\r\n" }

    @Test("A long body comes whole and in pieces, and the connection goes on") func long() async throws {
        try await withStreamServer { server, handler in
            let client = try RawClient(port: server.port)
            let total = 20_000_000
            client.send(Self.head("/upload", "Content-Length: \(total)"))
            for index in 0..<20 { client.send(StreamHandler.bytes(from: index * 1_000_000, count: 1_000_000)) }
            #expect(try client.readAnswer().body == "\(total)")
            #expect(handler.notes.isRight)
            #expect(handler.notes.largestPiece < 2 * IncomingFlow.pieceBytes)
            client.send("GET /echo HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(try client.readAnswer().body == "ok")
            #expect(handler.notes.records.first?.requestBytes == total)
        }
    }

    @Test("A chunked body needs no length; an empty one is one, too", arguments: [0, 1, 70_000, 3_000_000]) func chunked(_ total: Int) async throws {
        try await withStreamServer { server, handler in
            let client = try RawClient(port: server.port)
            client.send(Self.head("/upload", "Transfer-Encoding: chunked"))
            var sent = 0
            while sent < total {
                let count = min(total - sent, 1 + sent % 9_000)
                client.send(String(count, radix: 16) + "\r\n")
                client.send(StreamHandler.bytes(from: sent, count: count))
                client.send("\r\n")
                sent += count
            }
            client.send("0\r\n\r\n")
            #expect(try client.readAnswer().body == "\(total)")
            #expect(handler.notes.isRight)
        }
    }

    @Test("A reader that does not read stops its sender, and is not the client's fault") func backPressure() async throws {
        try await withStreamServer({ $0.bodySeconds = 1 }) { server, handler in
            handler.gate.close()
            let client = try RawClient(port: server.port)
            client.send(Self.head("/upload", "Content-Length: 100000000"))
            let taken = client.sendUntilStuck(Self.piece, atMost: 100_000_000)
            #expect(taken < 20_000_000, "what the kernel keeps, and two pieces")
            let start = secondsNow()
            #expect(eventually { secondsNow() - start > 2.5 })
            #expect(handler.notes.received == 0 && handler.notes.records.isEmpty)
            handler.gate.open()
            var rest = 100_000_000 - taken
            while rest > 0, client.send(Array(Self.piece.prefix(min(rest, Self.piece.count)))) { rest -= min(rest, Self.piece.count) }
            #expect(try client.readAnswer().body == "100000000")
        }
    }

    @Test("A length beyond the limit is refused before the body") func declared() async throws {
        try await withStreamServer { server, handler in
            let client = try RawClient(port: server.port)
            client.send(Self.head("/upload", "Content-Length: \(StreamHandler.uploadLimit + 1)"))
            let answer = try client.readAnswer()
            #expect(answer.status == 413 && answer.body == "\(StreamHandler.uploadLimit)")
            #expect(handler.notes.abandoned == 0)
        }
    }

    @Test("A chunked body that passes the limit is refused, whether it then ends or goes on and on", arguments: [150_000, 4_000_000])
    func passing(_ total: Int) async throws {
        try await withStreamServer { server, handler in
            let client = try RawClient(port: server.port)
            client.send(Self.head("/short", "Transfer-Encoding: chunked"))
            client.send(String(total, radix: 16) + "\r\n")
            client.send(StreamHandler.bytes(from: 0, count: total))
            client.send("\r\n0\r\n\r\n")
            #expect(try client.readAnswer().status == 413)
            #expect(eventually { handler.notes.faults == [.tooLarge] })
            #expect(eventually { handler.notes.records.map(\.status) == [413] })
        }
    }

    @Test("An answer before the body's end arrives", arguments: ["/refuse", "/change"], [500_000, 50_000_000])
    func early(_ path: String, _ total: Int) async throws {
        try await withStreamServer { server, handler in
            let client = try RawClient(port: server.port)
            client.send(Self.head(path, "Content-Length: \(total)"))
            client.send(StreamHandler.bytes(from: 0, count: 300_000))
            if total < 1_000_000 { client.send(StreamHandler.bytes(from: 300_000, count: total - 300_000)) }
            let answer = try client.readAnswer()
            #expect(answer.status == (path == "/refuse" ? 401 : 507))
            #expect(eventually { handler.notes.records.map(\.outcome) == [.answered] })
            if total < 1_000_000 {
                client.send("GET /echo HTTP/1.1\r\nHost: h\r\n\r\n")
                #expect(try client.readAnswer().body == "ok")
            } else {
                #expect(answer.headers["connection"] == "close")
                #expect(eventually { server.statistics.connections == 0 })
            }
        }
    }

    @Test("An early answer arrives although the rest of the body does not", arguments: ["/refuse", "/change"], [true, false])
    func overdue(_ path: String, _ isChunked: Bool) async throws {
        try await withStreamServer({ $0.bodySeconds = 1 }) { server, handler in
            let client = try RawClient(port: server.port)
            client.send(Self.head(path, isChunked ? "Transfer-Encoding: chunked" : "Content-Length: 160000"))
            if isChunked { client.send("186a0\r\n") }
            client.send(StreamHandler.bytes(from: 0, count: 70_000))
            let all = try client.readToEnd()
            #expect(all.hasPrefix(path == "/refuse" ? "HTTP/1.1 401" : "HTTP/1.1 507") && all.contains("Connection: close"))
            #expect(eventually { handler.notes.records.map(\.outcome) == [.answered] })
            #expect(eventually { server.statistics.connections == 0 })
        }
    }

    @Test("A paused upload is told early, too") func earlyWhilePaused() async throws {
        try await withStreamServer { server, handler in
            let client = try RawClient(port: server.port)
            client.send(Self.head("/late", "Content-Length: 500000"))
            client.send(StreamHandler.bytes(from: 0, count: 500_000))
            #expect(eventually { handler.gate.waitingCount == 1 })
            handler.gate.open()
            #expect(try client.readAnswer().status == 507)
            client.send("GET /echo HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(try client.readAnswer().body == "ok")
        }
    }

    @Test("A hang-up ends the reader, which has all that came before", arguments: ["close", "half", "reset"]) func hangUp(_ way: String) async throws
    {
        try await withStreamServer { server, handler in
            let client = try RawClient(port: server.port)
            client.send(Self.head("/upload", "Content-Length: 1000000"))
            client.send(StreamHandler.bytes(from: 0, count: 200_000))
            #expect(eventually { handler.notes.received >= 131_072 })
            switch way {
            case "close": client.hangUp()
            case "half": client.finishSending()
            default: client.reset()
            }
            #expect(eventually { handler.notes.faults == [.abandoned] && handler.notes.abandoned == 1 })
            #expect(way == "reset" || handler.notes.received == 200_000)
            #expect(eventually { server.statistics.connections == 0 })
            #expect(handler.notes.records.map(\.outcome) == [.abandoned])
        }
    }

    @Test("A trickle is cut; who is slow and gets on is not") func trickle() async throws {
        try await withStreamServer({ $0.bodySeconds = 1 }) { server, handler in
            let steady = try RawClient(port: server.port)
            steady.send(Self.head("/upload", "Content-Length: 40000"))
            let trickling = try RawClient(port: server.port)
            trickling.send(Self.head("/upload", "Content-Length: 40000"))
            let start = secondsNow()
            var sent = 0
            _ = eventually {
                guard secondsNow() - start > Double(sent) / 10_000 else { return false }
                steady.send(StreamHandler.bytes(from: sent, count: 1000))
                trickling.send("a")
                sent += 1000
                return sent == 40_000
            }
            #expect(try steady.readAnswer().status == 201)
            #expect(try trickling.readToEnd() == "")
            #expect(handler.notes.faults == [.abandoned])
            #expect(handler.notes.records.map(\.outcome).contains(.cut))
        }
    }

    @Test("A stop does not wait for an answer to a body that came in its last second") func lateBody() async throws {
        try await withStreamServer { server, handler in
            handler.gate.close()
            let client = try RawClient(port: server.port)
            client.send(Self.head("/upload", "Content-Length: 1000"))
            client.send(StreamHandler.bytes(from: 0, count: 999))
            #expect(eventually { handler.gate.waitingCount == 1 })
            let start = secondsNow()
            DispatchQueue.global().asyncAfter(deadline: .now() + 0.6) { client.send("a") }
            server.stop(within: 0.1)
            #expect(secondsNow() - start < 8)
            #expect(handler.notes.abandoned == 1)
            #expect(try client.readToEnd().hasPrefix("HTTP/1.1 503"))
        }
    }

    @Test("A stop does not wait for a reader that never reads", arguments: [true, false]) func stop(_ isPaused: Bool) async throws {
        try await withStreamServer { server, handler in
            if isPaused { handler.gate.close() }
            let client = try RawClient(port: server.port)
            client.send(Self.head("/upload", "Content-Length: 100000000"))
            if isPaused {
                #expect(client.sendUntilStuck(Self.piece, atMost: 100_000_000) > 0)
            } else {
                client.send(StreamHandler.bytes(from: 0, count: 200_000))
                #expect(eventually { handler.notes.received > 0 })
            }
            let start = secondsNow()
            server.stop(within: 0.1)
            #expect(secondsNow() - start < 4)
            #expect(server.statistics.connections == 0)
            handler.gate.open()
            #expect(eventually { handler.notes.faults == [.abandoned] })
        }
    }
}

extension RawClient {
    /// Sends until the other side takes no more for half a second; how much it has taken.
    func sendUntilStuck(_ bytes: [UInt8], atMost limit: Int) -> Int {
        var taken = 0
        var patience = 0
        while taken < limit, patience < 50 {
            let count = bytes.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, min($0.count, limit - taken), Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
            }
            if count > 0 {
                taken += count
                patience = 0
            } else {
                patience += 1
                usleep(10_000)
            }
        }
        return taken
    }
}
