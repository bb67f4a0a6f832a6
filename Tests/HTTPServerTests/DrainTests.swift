import Dispatch
import Testing

@testable import HTTPServer

@Suite(.serialized) struct DrainTests {
    @Test("500 held polls are all answered in a drain, each ending its connection, and stop returns") func held() throws {
        try withServer { server, handler in
            let clients = try (0..<500).map { _ in try RawClient(port: server.port) }
            for client in clients { client.send(HeldExchangeTests.poll) }
            #expect(eventually { server.statistics.suspended == 500 })
            server.drain()
            for exchange in handler.takeHeld() { exchange.complete(Response(status: 200, body: Array("{}".utf8))) }
            for client in clients {
                let all = try client.readToEnd()
                #expect(all.hasPrefix("HTTP/1.1 200") && all.contains("Connection: close") && all.hasSuffix("{}"))
            }
            let start = secondsNow()
            server.stop(within: 5)
            #expect(secondsNow() - start < 2)
            #expect(server.statistics.connections == 0)
        }
    }

    @Test("What the application still holds when time is up is answered for it") func abandonedByApplication() throws {
        try withServer { server, handler in
            let clients = try (0..<50).map { _ in try RawClient(port: server.port) }
            for client in clients { client.send(HeldExchangeTests.poll) }
            #expect(eventually { server.statistics.suspended == 50 })
            server.drain()
            server.stop(within: 0.2)
            for client in clients {
                let all = try client.readToEnd()
                #expect(all.hasPrefix("HTTP/1.1 503") && all.hasSuffix("draining"))
            }
            #expect(handler.abandonedCount == 50)
            for exchange in handler.takeHeld() { #expect(!exchange.complete(Response(status: 200))) }
        }
    }

    @Test("A drain refuses new connections and ends idle ones") func idle() throws {
        try withServer { server, _ in
            let client = try RawClient(port: server.port)
            client.send("GET /echo HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(try client.readAnswer().status == 200)
            server.drain()
            #expect(try client.readToEnd() == "")
            #expect(eventually { (try? RawClient(port: server.port)) == nil })
        }
    }

    @Test("Requests that go on through a drain are answered or find the connection ended between two of them") func busy() throws {
        try withServer { server, handler in
            let group = DispatchGroup()
            for _ in 0..<4 {
                let client = try RawClient(port: server.port)
                DispatchQueue.global().async(group: group) {
                    while client.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi"), let answer = try? client.readAnswer() {
                        #expect(answer.body == "hi")
                        if answer.headers["connection"] == "close" { break }
                    }
                }
            }
            #expect(eventually { handler.records.count > 1000 })
            server.drain()
            group.wait()
            server.stop(within: 5)
            #expect(handler.records.allSatisfy { $0.outcome == .answered })
        }
    }

    @Test("Stop may come first, come twice, and find exchanges being completed") func abrupt() throws {
        for _ in 0..<20 {
            try withServer { server, handler in
                let clients = try (0..<20).map { _ in try RawClient(port: server.port) }
                for client in clients { client.send(HeldExchangeTests.poll) }
                #expect(eventually { handler.heldCount == 20 })
                let group = DispatchGroup()
                let exchanges = handler.takeHeld()
                DispatchQueue.global().async(group: group) {
                    for exchange in exchanges { exchange.complete(Response(status: 200)) }
                }
                server.stop(within: 0)
                server.stop(within: 0)
                group.wait()
                for client in clients { #expect(try client.readToEnd().hasPrefix("HTTP/1.1 ")) }
            }
        }
    }

    @Test("Slow clients do not hold up the end") func slow() throws {
        try withServer { server, _ in
            let head = try RawClient(port: server.port)
            head.send("GET /echo HT")
            let body = try RawClient(port: server.port)
            body.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc")
            #expect(eventually { server.statistics.connections == 2 })
            let start = secondsNow()
            server.stop(within: 0.2)
            #expect(secondsNow() - start < 4)
            #expect(try head.readToEnd() == "")
            #expect(try body.readToEnd() == "")
        }
    }
}
