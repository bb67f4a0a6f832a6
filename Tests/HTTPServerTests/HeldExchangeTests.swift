import Dispatch
import Synchronization
import Testing

@testable import HTTPServer

@Suite(.serialized) struct HeldExchangeTests {
    static let poll = "GET /hold HTTP/1.1\r\nHost: h\r\n\r\n"

    @Test("A held exchange is answered from another thread, and the connection goes on") func later() throws {
        try withServer { server, handler in
            let client = try RawClient(port: server.port)
            for round in 0..<3 {
                client.send(Self.poll)
                #expect(eventually { handler.heldCount == 1 && server.statistics.suspended == 1 })
                let exchange = try #require(handler.takeHeld().first)
                #expect(exchange.isOpen)
                #expect(exchange.complete(Response(status: 200, body: Array("round \(round)".utf8))))
                #expect(!exchange.isOpen)
                #expect(!exchange.complete(Response(status: 500)))
                #expect(try client.readAnswer().body == "round \(round)")
                #expect(eventually { server.statistics.suspended == 0 })
            }
            #expect(handler.abandonedCount == 0)
        }
    }

    @Test("What is pipelined behind a held request waits for it") func pipelined() throws {
        try withServer { server, handler in
            let client = try RawClient(port: server.port)
            client.send(Self.poll + "GET /echo HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(eventually { server.statistics.suspended == 1 })
            #expect(handler.requests.count == 1)
            handler.takeHeld().first?.complete(Response(status: 200, body: Array("first".utf8)))
            #expect(try client.readAnswer().body == "first")
            #expect(try client.readAnswer().body == "ok")
        }
    }

    @Test("A thousand held on one daemon are answered together") func many() throws {
        try withServer(TestHandler(), { $0.daemonsPerWorker = 1 }) { server, handler in
            let clients = try (0..<1000).map { _ in try RawClient(port: server.port) }
            for client in clients { client.send(Self.poll) }
            #expect(eventually { server.statistics.suspended == 1000 && handler.heldCount == 1000 })
            for exchange in handler.takeHeld() { exchange.complete(Response(status: 204)) }
            for client in clients { #expect(try client.readAnswer().status == 204) }
        }
    }

    @Test("A hang-up frees the place within two seconds and is told once", arguments: ["close", "half", "reset"])
    func hangUp(_ way: String) throws {
        try withServer { server, handler in
            let client = try RawClient(port: server.port)
            client.send(Self.poll)
            #expect(eventually { handler.heldCount == 1 })
            let start = secondsNow()
            switch way {
            case "close": client.hangUp()
            case "half": client.finishSending()
            default: client.reset()
            }
            #expect(eventually { server.statistics.connections == 0 })
            #expect(secondsNow() - start < 2)
            #expect(server.statistics.suspended == 0)
            #expect(handler.abandonedCount == 1)
            let exchange = try #require(handler.takeHeld().first)
            #expect(!exchange.complete(Response(status: 200)))
            #expect(handler.records.map(\.outcome) == [.abandoned])
            let late = Mutex(0)
            exchange.whenAbandoned { late.withLock { $0 += 1 } }
            let lateCount = late.withLock { $0 }
            #expect(lateCount == 1)
        }
    }

    @Test("Places that were abandoned serve others, whose exchanges are not mistaken for theirs") func reuse() throws {
        try withServer { server, handler in
            for _ in 0..<3 {
                let leaving = try (0..<20).map { _ in try RawClient(port: server.port) }
                for client in leaving { client.send(Self.poll) }
                #expect(eventually { handler.heldCount == 20 })
                for client in leaving { client.hangUp() }
                let staying = try RawClient(port: server.port)
                staying.send(Self.poll)
                #expect(eventually { server.statistics.connections == 1 })
                for exchange in handler.takeHeld() { exchange.complete(Response(status: 200)) }
                #expect(try staying.readAnswer().status == 200)
            }
            #expect(handler.abandonedCount == 60)
        }
    }

    @Test("In 10,000 races of the handler's return with two other threads, one answer wins and arrives") func races() throws {
        let queue = DispatchQueue(label: "completers", attributes: .concurrent)
        let wins = Atomic<Int>(0)
        let turn = Atomic<Int>(0)
        let handler = TestHandler(onRace: { exchange in
            let mine = turn.add(1, ordering: .relaxed).oldValue
            @Sendable func complete(_ name: String) {
                if exchange.complete(Response(status: 200, body: Array(name.utf8))) { wins.add(1, ordering: .relaxed) }
            }
            queue.async { complete("a") }
            queue.async { complete("b") }
            if mine % 3 == 0 { complete("handler") }
        })
        try withServer(handler) { server, handler in
            let clients = try (0..<20).map { _ in try RawClient(port: server.port) }
            for _ in 0..<500 {
                for client in clients { client.send("GET /race HTTP/1.1\r\nHost: h\r\n\r\n") }
                for client in clients { #expect(try client.readAnswer().status == 200) }
            }
            queue.sync(flags: .barrier) {}
            let winCount = wins.load(ordering: .relaxed)
            #expect(winCount == 10_000)
            #expect(eventually { handler.records.count == 10_000 && server.statistics.suspended == 0 })
        }
    }

    @Test("Hang-ups racing with answers end each exchange once") func hangUpRace() throws {
        try withServer { server, handler in
            for _ in 0..<10 {
                let clients = try (0..<50).map { _ in try RawClient(port: server.port) }
                for client in clients { client.send(Self.poll) }
                #expect(eventually { handler.heldCount == 50 })
                for client in clients { client.hangUp() }
                for exchange in handler.takeHeld() { exchange.complete(Response(status: 200)) }
                #expect(eventually { server.statistics.connections == 0 && server.statistics.suspended == 0 })
            }
            #expect(handler.records.count == 500)
        }
    }
}
