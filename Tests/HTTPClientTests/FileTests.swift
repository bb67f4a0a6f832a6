import Glibc
import HTTPClient
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1))) struct FileTests {
    private let path = "/tmp/http-client-\(getpid())-\(UInt32.random(in: 0 ... .max))"

    @Test(arguments: [0, 1, 300_000]) func aFileIsSentWhole(length: Int) async throws {
        let seen = Mutex<String?>(nil)
        let server = try ScriptedServer { peer in
            while let request = peer.readRequest() {
                seen.withLock { $0 = request }
                peer.answer()
            }
        }
        defer { server.stop() }
        try write(length)
        defer { unlink(path) }
        var request = HTTPRequest(method: "PUT", url: server.url + "/blob")
        request.file = HTTPFile(path: path, length: length)
        #expect(try await HTTPClient(HTTPClientSettings()).send(request).status == 200)
        let text = try #require(seen.withLock { $0 })
        #expect(text.hasPrefix("PUT /blob HTTP/1.1\r\n") && text.contains("\r\nContent-Length: \(length)\r\n"))
        #expect(!text.contains("Expect") && !text.contains("chunked"))
        #expect(text.hasSuffix("\r\n\r\n" + String(repeating: "a", count: length)))
    }

    @Test func aFileThatIsShorterBreaksTheRequestOff() async throws {
        let server = try ScriptedServer { peer in while peer.readRequest() != nil { peer.answer() } }
        defer { server.stop() }
        try write(10)
        defer { unlink(path) }
        var request = HTTPRequest(method: "PUT", url: server.url)
        request.file = HTTPFile(path: path, length: 11)
        let error = await #expect(throws: HTTPClientError.self) { try await HTTPClient(HTTPClientSettings()).send(request) }
        guard case .interrupted = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func aFileThatIsLongerIsSentAsAnnounced() async throws {
        let seen = Mutex<String?>(nil)
        let server = try ScriptedServer { peer in
            while let request = peer.readRequest() {
                seen.withLock { $0 = request }
                peer.answer()
            }
        }
        defer { server.stop() }
        try write(12)
        defer { unlink(path) }
        var request = HTTPRequest(method: "PUT", url: server.url)
        request.file = HTTPFile(path: path, length: 11)
        #expect(try await HTTPClient(HTTPClientSettings()).send(request).status == 200)
        #expect(seen.withLock { $0 }?.hasSuffix("\r\n\r\n" + String(repeating: "a", count: 11)) == true)
    }

    @Test func aFileThatIsNotThereSendsNothing() async throws {
        var request = HTTPRequest(method: "PUT", url: "http://127.0.0.1:1/")
        request.file = HTTPFile(path: path, length: 1)
        let error = await #expect(throws: HTTPClientError.self) { try await HTTPClient(HTTPClientSettings()).send(request) }
        #expect(error?.provesNothingWasSent == true)
    }

    @Test func whatDoesNotMoveIsGivenUp() async throws {
        let server = try ScriptedServer { peer in
            _ = peer.readRequest()
            peer.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
            _ = peer.readRequest()
        }
        defer { server.stop() }
        var settings = HTTPClientSettings()
        settings.totalTimeout = .seconds(600)
        settings.stallTimeout = .seconds(1)
        await #expect(throws: HTTPClientError.timedOut) { try await HTTPClient(settings).send(HTTPRequest(url: server.url)) }
    }

    @Test func aSignatureNamesItsKeyAndCoversTheContentsDigest() async throws {
        let seen = Mutex<String?>(nil)
        let server = try ScriptedServer { peer in
            while let request = peer.readRequest() {
                seen.withLock { $0 = request }
                peer.answer()
            }
        }
        defer { server.stop() }
        var request = HTTPRequest(url: server.url + "/bucket/key", headers: [("x-amz-content-sha256", "abc"), ("Range", "bytes=0-1")])
        request.signature = AWSSignature(accessKey: "KEY", secretKey: "secret", region: "eu-central-1", service: "s3")
        #expect(try await HTTPClient(HTTPClientSettings()).send(request).status == 200)
        let text = try #require(seen.withLock { $0 })
        let line = try #require(text.split(separator: "\r\n").first { $0.hasPrefix("Authorization: ") })
        #expect(line.contains("AWS4-HMAC-SHA256 Credential=KEY/") && line.contains("/eu-central-1/s3/aws4_request"))
        #expect(line.contains("SignedHeaders=host;range;x-amz-content-sha256;x-amz-date"))
        #expect(!text.contains("secret"))
    }

    private func write(_ length: Int) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL, 0o600)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        let bytes = [UInt8](repeating: UInt8(ascii: "a"), count: length)
        try #require(Glibc.write(descriptor, bytes, length) == length)
    }
}
