import Glibc
import HTTPClient
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1))) struct SendTests {
    @Test func sendsWhatItIsToldAndNothingElse() async throws {
        let seen = Mutex<String?>(nil)
        let server = try ScriptedServer { peer in
            while let request = peer.readRequest() {
                seen.withLock { $0 = request }
                peer.answer("201 Created", "made", headers: "X-Colour:  blue \r\nx-colour: red\r\n")
            }
        }
        defer { server.stop() }
        let client = HTTPClient(HTTPClientSettings())
        let response = try await client.send(
            HTTPRequest(method: "POST", url: server.url + "/otp?a=b", headers: [("X-Key", "k"), ("X-Empty", "")], body: Array("hello".utf8)))
        #expect(response.status == 201)
        #expect(response.body == Array("made".utf8))
        #expect(response.header("X-COLOUR") == "blue")
        let request = try #require(seen.withLock { $0 })
        #expect(request.hasPrefix("POST /otp?a=b HTTP/1.1\r\n"))
        #expect(request.contains("\r\nX-Key: k\r\n") && request.contains("\r\nX-Empty:\r\n"))
        #expect(request.contains("\r\nContent-Length: 5\r\n") && request.hasSuffix("\r\n\r\nhello"))
        for absent in ["Content-Type", "Expect", "Authorization", "Cookie", "User-Agent"] { #expect(!request.contains(absent)) }
    }

    @Test func keepsItsConnection() async throws {
        let server = try ScriptedServer { peer in while peer.readRequest() != nil { peer.answer() } }
        defer { server.stop() }
        let client = HTTPClient(HTTPClientSettings())
        for _ in 0..<20 { #expect(try await client.send(HTTPRequest(url: server.url)).status == 200) }
        #expect(server.connections == 1)
    }

    @Test func aConnectionWhosePacketsAreLostIsGivenUp() async throws {
        let server = try ScriptedServer { peer in while peer.readRequest() != nil { peer.answer() } }
        defer { server.stop() }
        let client = HTTPClient(HTTPClientSettings())
        _ = try await client.send(HTTPRequest(url: server.url))
        // TCP_USER_TIMEOUT, which Glibc's module does not name, of the kept connection: one of this process's sockets.
        let timeouts = (Int32(3)..<4_096).map { descriptor -> UInt32 in
            var (milliseconds, length) = (UInt32(0), socklen_t(4))
            return getsockopt(descriptor, Int32(IPPROTO_TCP), 18, &milliseconds, &length) == 0 ? milliseconds : 0
        }
        #expect(timeouts.contains(15_000))
        client.close()
    }

    @Test func aSilentServerGetsFewConnectionsAndEveryRequestEnds() async throws {
        let open = Mutex((now: 0, most: 0))
        let server = try ScriptedServer { peer in
            open.withLock { $0 = ($0.now + 1, max($0.most, $0.now + 1)) }
            while peer.readRequest() != nil {}
            open.withLock { $0.now -= 1 }
        }
        defer { server.stop() }
        var settings = HTTPClientSettings()
        settings.totalTimeout = .seconds(3)
        let client = HTTPClient(settings)
        let errors = await withTaskGroup(of: HTTPClientError?.self) { group in
            for _ in 0..<300 {
                group.addTask {
                    do throws(HTTPClientError) {
                        _ = try await client.send(HTTPRequest(url: server.url))
                        return nil
                    } catch {
                        return error
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        // Some that are closed the server may not have noticed when the next ones come. Without a bound there would be 256.
        #expect(open.withLock { $0.most } < 200, "64 at a time")
        // Fewer than all of the 44 where some have ended before the last ones begin.
        #expect((1...44).contains(errors.count { $0 == .unreachable("too many requests are under way") }))
        #expect(errors.count { $0 == .timedOut } >= 64)
        #expect(errors.allSatisfy { $0 == .timedOut || $0?.provesNothingWasSent == true }, "what had no connection was not sent")
    }

    @Test func methodsWithoutBody() async throws {
        let server = try ScriptedServer { peer in
            while let request = peer.readRequest() { peer.answer("200 OK", headers: "X-Method: \(request.prefix { $0 != " " })\r\n") }
        }
        defer { server.stop() }
        let client = HTTPClient(HTTPClientSettings())
        for method in ["GET", "DELETE", "PUT", "HEAD"] {
            let response = try await client.send(HTTPRequest(method: method, url: server.url))
            #expect(response.header("x-method") == method)
        }
    }

    @Test func followsNoRedirectAndNamesNoStatusAnError() async throws {
        let server = try ScriptedServer { peer in
            while peer.readRequest() != nil { peer.answer("302 Found", headers: "Location: /elsewhere\r\n") }
        }
        defer { server.stop() }
        let response = try await HTTPClient(HTTPClientSettings()).send(HTTPRequest(url: server.url))
        #expect(response.status == 302 && response.header("location") == "/elsewhere")
    }

    @Test func interimAnswersLeaveNoHeaders() async throws {
        let server = try ScriptedServer { peer in
            _ = peer.readRequest()
            peer.write("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
            peer.answer()
        }
        defer { server.stop() }
        let response = try await HTTPClient(HTTPClientSettings()).send(HTTPRequest(url: server.url))
        #expect(response.status == 200 && response.header("link") == nil)
    }

    @Test(arguments: ["chunked", "length"]) func tooLargeAnAnswerEndsIt(framing: String) async throws {
        let server = try ScriptedServer { peer in
            _ = peer.readRequest()
            if framing == "length" {
                peer.answer("200 OK", String(repeating: "a", count: 101))
            } else {
                peer.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                for _ in 0..<11 { peer.write("a\r\naaaaaaaaaa\r\n") }
            }
        }
        defer { server.stop() }
        var settings = HTTPClientSettings()
        settings.largestResponse = 100
        await #expect(throws: HTTPClientError.tooLarge) { try await HTTPClient(settings).send(HTTPRequest(url: server.url)) }
    }

    @Test func anEndlessHeadEndsIt() async throws {
        let server = try ScriptedServer { peer in
            _ = peer.readRequest()
            peer.write("HTTP/1.1 200 OK\r\n")
            for number in 0..<1000 { peer.write("X-\(number): \(String(repeating: "a", count: 100))\r\n") }
        }
        defer { server.stop() }
        await #expect(throws: HTTPClientError.tooLarge) { try await HTTPClient(HTTPClientSettings()).send(HTTPRequest(url: server.url)) }
    }
}

@Suite(.timeLimit(.minutes(1))) struct SendFailureTests {
    @Test func aSilentServerTimesOut() async throws {
        let server = try ScriptedServer { peer in while peer.readRequest() != nil {} }
        defer { server.stop() }
        var settings = HTTPClientSettings()
        settings.totalTimeout = .milliseconds(200)
        await #expect(throws: HTTPClientError.timedOut) { try await HTTPClient(settings).send(HTTPRequest(url: server.url)) }
    }

    /// A host that is away, or a TLS server that has stopped: the time runs out before there is anything to send on.
    @Test func aConnectionThatIsNotMadeInTimeProvesThatNothingWasSent() async throws {
        let server = try ScriptedServer { peer in while peer.readRequest() != nil {} }
        defer { server.stop() }
        var settings = HTTPClientSettings()
        settings.connectTimeout = .milliseconds(200)
        let url = server.url.replacing("http://", with: "https://")
        let error = await #expect(throws: HTTPClientError.self) { try await HTTPClient(settings).send(HTTPRequest(url: url)) }
        #expect(error?.provesNothingWasSent == true, "\(String(describing: error))")
    }

    @Test func nobodyThereProvesThatNothingWasSent() async throws {
        let server = try ScriptedServer { _ in }
        server.stop()
        let error = await #expect(throws: HTTPClientError.self) { try await HTTPClient(HTTPClientSettings()).send(HTTPRequest(url: server.url)) }
        #expect(error?.provesNothingWasSent == true, "\(String(describing: error))")
    }

    @Test func aConnectionThatBreaksProvesNothing() async throws {
        let server = try ScriptedServer { peer in _ = peer.readRequest() }
        defer { server.stop() }
        let request = HTTPRequest(method: "POST", url: server.url, body: [1])
        let error = await #expect(throws: HTTPClientError.self) { try await HTTPClient(HTTPClientSettings()).send(request) }
        #expect(error?.provesNothingWasSent == false, "\(String(describing: error))")
    }

    @Test(arguments: [
        "http://192.0.2.1/", "http://localhost.example/", "http://127.0.0.1.example/", "ftp://127.0.0.1/", "file:///etc/passwd",
        "https://user:secret@127.0.0.1/", "127.0.0.1", "", "https://127.0.0.1/a b", "https://127.0.0.1/\r\nX: y", "http://127.0.0.1@192.0.2.1/",
    ])
    func urlsThatAreNotAskedFor(url: String) async {
        await #expect(throws: HTTPClientError.invalidURL) { try await HTTPClient(HTTPClientSettings()).send(HTTPRequest(url: url)) }
    }

    @Test func aHeaderCannotSmuggleAnother() async throws {
        let client = HTTPClient(HTTPClientSettings())
        for header in [("X-A", "b\r\nX-C: d"), ("X-A\r\nX-C", "d"), ("X-A", "b\0"), ("X A", "b"), ("", "b"), ("Content-Length", "3")] {
            let request = HTTPRequest(url: "http://127.0.0.1:1/", headers: [(name: header.0, value: header.1)])
            let error = await #expect(throws: HTTPClientError.self) { try await client.send(request) }
            guard case .invalidRequest = error else {
                Issue.record("\(header) gave \(String(describing: error))")
                continue
            }
        }
        let error = await #expect(throws: HTTPClientError.self) { try await client.send(HTTPRequest(method: "GET /x", url: "http://127.0.0.1:1/")) }
        #expect(error == .invalidRequest("the method is no token"))
    }

    @Test func plainHTTPGoesAnywhereWhereItIsAllowed() async throws {
        var settings = HTTPClientSettings()
        settings.allowsPlainHTTP = true
        settings.totalTimeout = .milliseconds(100)
        let error = await #expect(throws: HTTPClientError.self) { try await HTTPClient(settings).send(HTTPRequest(url: "http://192.0.2.1/")) }
        #expect(error != .invalidURL)
    }
}

@Suite(.timeLimit(.minutes(1))) struct SendCancellationTests {
    @Test func cancellingEndsTheTransferOnly() async throws {
        let arrived = AsyncStream<Void>.makeStream()
        let server = try ScriptedServer { peer in
            while let request = peer.readRequest() {
                if request.contains("/held") { arrived.continuation.yield() } else { peer.answer() }
            }
        }
        defer { server.stop() }
        let client = HTTPClient(HTTPClientSettings())
        let url = server.url
        let held = Task { try await client.send(HTTPRequest(url: url + "/held")) }
        for await _ in arrived.stream { break }
        held.cancel()
        await #expect(throws: HTTPClientError.cancelled) { try await held.value }
        #expect(try await client.send(HTTPRequest(url: url)).status == 200)
    }

    @Test func aTaskCancelledBeforehandSendsNothing() async throws {
        let server = try ScriptedServer { peer in while peer.readRequest() != nil {} }
        defer { server.stop() }
        let client = HTTPClient(HTTPClientSettings())
        let url = server.url
        let gate = AsyncStream<Void>.makeStream()
        let task = Task {
            for await _ in gate.stream { break }
            return try await client.send(HTTPRequest(url: url))
        }
        task.cancel()
        await #expect(throws: HTTPClientError.cancelled) { try await task.value }
        #expect(server.connections == 0)
    }

    @Test func closingEndsAll() async throws {
        let arrived = AsyncStream<Void>.makeStream()
        let server = try ScriptedServer { peer in while peer.readRequest() != nil { arrived.continuation.yield() } }
        defer { server.stop() }
        let client = HTTPClient(HTTPClientSettings())
        let url = server.url
        let held = Task { try await client.send(HTTPRequest(url: url)) }
        for await _ in arrived.stream { break }
        client.close()
        await #expect(throws: HTTPClientError.cancelled) { try await held.value }
        await #expect(throws: HTTPClientError.cancelled) { try await client.send(HTTPRequest(url: url)) }
    }

    @Test func manyAtOnceAllEndOnce() async throws {
        let server = try ScriptedServer { peer in
            while let request = peer.readRequest() { peer.answer("200 OK", String(request.split(separator: " ")[1])) }
        }
        defer { server.stop() }
        let client = HTTPClient(HTTPClientSettings())
        let url = server.url
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<200 {
                group.addTask {
                    let response = try await client.send(HTTPRequest(url: "\(url)/\(number)"))
                    #expect(response.body == Array("/\(number)".utf8))
                }
            }
            try await group.waitForAll()
        }
    }
}
