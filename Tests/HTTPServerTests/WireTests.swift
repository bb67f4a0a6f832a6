import Testing

@testable import HTTPServer

/// What one connection sees, byte by byte.
@Suite struct WireTests {
    @Test("A GET is answered and the connection goes on") func keepAlive() throws {
        try withServer { server, handler in
            let client = try RawClient(port: server.port)
            for _ in 0..<3 {
                client.send("GET /echo?a=1 HTTP/1.1\r\nHost: h\r\nUser-Agent: Ünit\r\n\r\n")
                let answer = try client.readAnswer()
                #expect(answer.status == 200)
                #expect(answer.body == "ok")
                #expect(answer.headers["content-type"] == "text/plain")
                #expect(answer.headers["connection"] == nil)
            }
            let log = handler.requests
            #expect(log.count == 3)
            #expect(log.first?.query == ["a=1"])
            #expect(log.first?.agent == "Ünit")
            #expect(eventually { handler.records.count == 3 })
            let record = try #require(handler.records.first)
            #expect(record.status == 200 && record.outcome == .answered && record.responseBytes == 2)
            #expect(record.seconds >= 0 && record.seconds < 5)
            #expect(record.peer.description == "127.0.0.1")
        }
    }

    @Test("Three requests in one packet are answered in order") func pipelining() throws {
        try withServer { server, _ in
            let client = try RawClient(port: server.port)
            client.send(
                ["one", "two", "three"].map { "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: \($0.utf8.count)\r\n\r\n\($0)" }
                    .joined())
            for body in ["one", "two", "three"] { #expect(try client.readAnswer().body == body) }
        }
    }

    @Test("A request that comes one byte at a time is the same request") func bytewise() throws {
        try withServer { server, _ in
            let client = try RawClient(port: server.port)
            for byte in "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n".utf8 {
                client.send([byte])
            }
            #expect(try client.readAnswer().body == "abcd")
        }
    }

    @Test("A chunked body is put together, and the connection goes on") func chunked() throws {
        try withServer { server, _ in
            let client = try RawClient(port: server.port)
            for _ in 0..<2 {
                client.send("POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n4;x=y\r\nwiki\r\n5\r\npedia\r\n0\r\nA: b\r\n\r\n")
                #expect(try client.readAnswer().body == "wikipedia")
            }
        }
    }

    @Test("HEAD has the length of what GET has, and no body") func head() throws {
        try withServer { server, _ in
            let client = try RawClient(port: server.port)
            client.send("HEAD /echo HTTP/1.1\r\nHost: h\r\n\r\nGET /echo HTTP/1.1\r\nHost: h\r\n\r\n")
            let answer = try client.readAnswer(isHead: true)
            #expect(answer.status == 200 && answer.headers["content-length"] == "2")
            #expect(try client.readAnswer().body == "ok")
        }
    }

    @Test("204 has neither body nor length") func noContent() throws {
        try withServer { server, _ in
            let client = try RawClient(port: server.port)
            client.send("POST /none HTTP/1.1\r\nHost: h\r\n\r\nGET /echo HTTP/1.1\r\nHost: h\r\n\r\n")
            let answer = try client.readAnswer()
            #expect(answer.status == 204 && answer.headers["content-length"] == nil)
            #expect(try client.readAnswer().body == "ok")
        }
    }

    @Test("HTTP/1.0 is answered and closed, or kept if it asks for that") func oldVersion() throws {
        try withServer { server, _ in
            let closing = try RawClient(port: server.port)
            closing.send("GET /echo HTTP/1.0\r\n\r\n")
            #expect(try closing.readToEnd().hasSuffix("\r\n\r\nok"))
            let kept = try RawClient(port: server.port)
            for _ in 0..<2 {
                kept.send("GET /echo HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
                #expect(try kept.readAnswer().headers["connection"]?.lowercased() == "keep-alive")
            }
        }
    }

    @Test("Who asks for the end gets it, and so does a response that asks") func closing() throws {
        try withServer { server, _ in
            for request in ["GET /echo HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "GET /bye HTTP/1.1\r\nHost: h\r\n\r\n"] {
                let client = try RawClient(port: server.port)
                client.send(request + "GET /echo HTTP/1.1\r\nHost: h\r\n\r\n")
                let all = try client.readToEnd()
                #expect(all.contains("Connection: close"))
                #expect(all.ranges(of: "HTTP/1.1 200").count == 1)
            }
        }
    }

    @Test("100 Continue is sent for a body that is wanted, and not for one that is too large") func expectation() throws {
        try withServer { server, _ in
            let wanted = try RawClient(port: server.port)
            wanted.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
            #expect(try wanted.readAnswer().status == 100)
            wanted.send("hi")
            #expect(try wanted.readAnswer().body == "hi")
            let large = try RawClient(port: server.port)
            large.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 1001\r\nExpect: 100-continue\r\n\r\n")
            let all = try large.readToEnd()
            #expect(all.hasPrefix("HTTP/1.1 413"))
            #expect(all.hasSuffix("1000"))
            let refused = try RawClient(port: server.port)
            refused.send("POST /refuse HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n")
            #expect(try refused.readToEnd().hasPrefix("HTTP/1.1 401"))
        }
    }

    @Test("A declared length above the limit is answered before the body, and the answer survives the body") func tooLarge() throws {
        try withServer { server, _ in
            let client = try RawClient(port: server.port)
            client.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 300000\r\n\r\n")
            client.send([UInt8](repeating: 120, count: 300_000))
            let all = try client.readToEnd()
            #expect(all.hasPrefix("HTTP/1.1 413"))
            #expect(all.hasSuffix("1000"))
            #expect(all.ranges(of: "HTTP/1.1").count == 1)
        }
    }

    @Test("A chunked body above the limit is read to its end and answered; an endless one is cut") func chunkedTooLarge() throws {
        try withServer { server, handler in
            let client = try RawClient(port: server.port)
            client.send("POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n800\r\n")
            client.send([UInt8](repeating: 120, count: 2048))
            client.send("\r\n0\r\n\r\n")
            let answer = try client.readAnswer()
            #expect(answer.status == 413 && answer.body == "1000")
            client.send("POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
            let chunk = Array("10000\r\n".utf8) + [UInt8](repeating: 120, count: 65_536) + Array("\r\n".utf8)
            var sent = 0
            while sent < 1000, client.send(chunk) { sent += 1 }
            #expect(sent < 1000)
            #expect(eventually { handler.records.last?.outcome == .cut })
        }
    }

    @Test("A refusal keeps the connection after a short body and ends it before a long one") func refusal() throws {
        try withServer { server, handler in
            let client = try RawClient(port: server.port)
            for length in [0, 5, 100_000] {
                client.send("POST /refuse HTTP/1.1\r\nHost: h\r\nContent-Length: \(length)\r\n\r\n")
                client.send([UInt8](repeating: 120, count: length))
                #expect(try client.readAnswer().status == 401)
            }
            client.send("POST /refuse HTTP/1.1\r\nHost: h\r\nContent-Length: 2000000\r\n\r\n")
            #expect(try client.readToEnd().hasPrefix("HTTP/1.1 401"))
            #expect(eventually { handler.records.map(\.status) == [401, 401, 401, 401] })
        }
    }

    @Test("A body of 5 MB comes whole, and so does an answer of 3 MB") func large() throws {
        try withServer { server, _ in
            let client = try RawClient(port: server.port)
            client.send("POST /large HTTP/1.1\r\nHost: h\r\nContent-Length: 5000000\r\nConnection: close\r\n\r\n")
            client.send([UInt8](repeating: 120, count: 5_000_000))
            #expect(try client.readToEnd().utf8.count > 5_000_000)
            let reader = try RawClient(port: server.port)
            reader.send("GET /big HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            #expect(try reader.readToEnd().utf8.count > 3_000_000)
        }
    }

    @Test("A header that would split the response makes it a bare 500") func responseSplitting() throws {
        try withServer { server, _ in
            let client = try RawClient(port: server.port)
            client.send("GET /bad HTTP/1.1\r\nHost: h\r\n\r\n")
            let all = try client.readToEnd()
            #expect(all.hasPrefix("HTTP/1.1 500"))
            #expect(!all.contains("b: c"))
        }
    }

    @Test("A query of very many parameters costs its bytes and no more") func manyParameters() throws {
        try withServer { server, _ in
            for count in [1, 22, 40, 100, 1000, 2200] {
                let client = try RawClient(port: server.port)
                let query = Array(repeating: "a", count: count).joined(separator: "&")
                client.send("GET /echo?\(query) HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
                #expect(try client.readAnswer().status == 200, "\(count) parameters")
            }
        }
    }

    @Test("A head of any length is answered: served, or told that it is too long") func longHead() throws {
        try withServer { server, _ in
            var statuses: [Int] = []
            for length in stride(from: 100, through: 7000, by: 28) {
                let client = try RawClient(port: server.port)
                client.send("GET /echo HTTP/1.1\r\nHost: h\r\nConnection: close\r\nX: \(String(repeating: "a", count: length))\r\n\r\n")
                statuses.append(try client.readAnswer().status)
            }
            #expect(Set(statuses) == [200, 431])
            #expect(statuses == statuses.sorted())
        }
    }

    @Test("A head of any number of fields is answered, with a head of a kilobyte, too", arguments: ["/echo", "/wordy"])
    func manyFields(_ path: String) throws {
        try withServer { server, _ in
            var statuses: [Int] = []
            for count in 1...120 {
                let client = try RawClient(port: server.port)
                let fields = (0..<count).map { "X-\($0): value\r\n" }.joined()
                client.send("POST \(path) HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\(fields)Content-Length: 3\r\n\r\nabc")
                statuses.append(try client.readAnswer().status)
            }
            #expect(Set(statuses) == [200, 431])
            #expect(statuses == statuses.sorted())
        }
    }

    @Test("The answer to a HEAD has no body, whoever gives it", arguments: ["", "X: " + String(repeating: "a", count: 4950) + "\r\n"])
    func headOnly(_ field: String) throws {
        try withServer { server, handler in
            let client = try RawClient(port: server.port)
            client.send("HEAD /page HTTP/1.1\r\nHost: h\r\n\(field)Connection: close\r\n\r\n")
            let all = try client.readToEnd()
            #expect(all.hasPrefix(field.isEmpty ? "HTTP/1.1 200" : "HTTP/1.1 431") && all.hasSuffix("\r\n\r\n"))
            #expect(all.contains("\r\nDate: ") && all.contains("\r\nContent-Length: "))
            #expect(eventually { handler.records.map(\.responseBytes) == [0] })
        }
    }

    @Test("What is told of a refused request is recorded with it") func rejectionContext() throws {
        try withServer { server, handler in
            let client = try RawClient(port: server.port)
            client.send("BREW /first HTTP/1.1\r\nHost: h\r\nx-own: 7\r\n\r\n")
            let answer = try client.readAnswer()
            #expect(answer.status == 501 && answer.headers["x-own"] == "7")
            #expect(eventually { handler.records.map { ($0.context as? TestContext)?.path } == ["rejected"] })
        }
    }

    @Test("Dates are those of HTTP") func date() {
        #expect(DirectAnswer.date(784_111_777) == "Sun, 06 Nov 1994 08:49:37 GMT")
    }

    @Test("A second server on the same port is refused") func portTaken() throws {
        try withServer { server, handler in
            var configuration = ServerConfiguration()
            configuration.port = server.port
            let error = #expect(throws: ServerError.self) { try Server.start(configuration, handler: handler) }
            guard case .bind? = error else {
                Issue.record("\(String(describing: error))")
                return
            }
        }
    }

    @Test("A host that does not exist is named") func unknownHost() {
        var configuration = ServerConfiguration()
        configuration.host = "no host"
        let error = #expect(throws: ServerError.self) { try Server.start(configuration, handler: TestHandler()) }
        #expect(error?.description.hasPrefix("cannot resolve no host") == true)
    }
}
