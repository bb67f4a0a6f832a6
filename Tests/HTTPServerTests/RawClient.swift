import Glibc

/// A TCP connection that says what it is told, byte for byte. Reads give up after ten seconds.
final class RawClient: Sendable {
    let descriptor: Int32

    struct Failure: Error { let what: String }

    /// One answer as it was on the wire.
    struct Answer: Equatable {
        var status: Int
        var headers: [String: String]
        var body: String
    }

    init(port: UInt16) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw Failure(what: "socket") }
        var timeout = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else {
            close(descriptor)
            throw Failure(what: "connect: \(errno)")
        }
    }

    deinit {
        close(descriptor)
    }

    /// False: the other side is gone.
    @discardableResult
    func send(_ text: String) -> Bool { send(Array(text.utf8)) }

    @discardableResult
    func send(_ bytes: [UInt8]) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    /// Ends the sending side only.
    func finishSending() {
        shutdown(descriptor, Int32(SHUT_WR))
    }

    /// Closes with a reset.
    func reset() {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        dup2(Self.sink, descriptor)
    }

    /// Hangs up; the descriptor itself stays this object's.
    func hangUp() {
        dup2(Self.sink, descriptor)
    }

    /// What comes, until the other side has ended (an end by reset counts) or ten seconds bring nothing.
    func readToEnd() throws -> String {
        var bytes: [UInt8] = []
        while let more = try receive() { bytes += more }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The next answer; bytes after it are lost, so it is read alone. `isHead`: the answer to a HEAD, which has no body.
    func readAnswer(isHead: Bool = false) throws -> Answer {
        var bytes: [UInt8] = []
        while true {
            if let answer = Self.parse(bytes, isHead: isHead) { return answer }
            guard let more = try receive(1) else { throw Failure(what: "ended after \(String(decoding: bytes, as: UTF8.self))") }
            bytes += more
        }
    }

    private func receive(_ limit: Int = 65_536) throws -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: limit)
        let count = recv(descriptor, &buffer, limit, 0)
        if count > 0 { return Array(buffer[..<count]) }
        if count == 0 || errno == ECONNRESET { return nil }
        throw Failure(what: "recv: \(errno)")
    }

    private static func parse(_ bytes: [UInt8], isHead: Bool) -> Answer? {
        let text = String(decoding: bytes, as: UTF8.self)
        guard bytes.suffix(4) == Array("\r\n\r\n".utf8)[...] || text.contains("\r\n\r\n") else { return nil }
        let end = text.firstRange(of: "\r\n\r\n")
        guard let end else { return nil }
        let lines = text[..<end.lowerBound].split(separator: "\r\n")
        guard let status = lines.first.flatMap({ Int($0.split(separator: " ").dropFirst().first ?? "") }) else { return nil }
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            headers[parts[0].lowercased()] = String(parts[1].drop { $0 == " " })
        }
        let body = String(text[end.upperBound...])
        let expected = isHead || status == 204 || status < 200 ? 0 : Int(headers["content-length"] ?? "0") ?? 0
        return body.utf8.count >= expected ? Answer(status: status, headers: headers, body: body) : nil
    }

    /// Anything that is no connection, to put in a connection's place.
    private static let sink = open("/dev/null", O_RDWR | O_CLOEXEC)
}

/// Waits until `condition` holds; false after so many seconds.
func eventually(within seconds: Double = 10, _ condition: () -> Bool) -> Bool {
    let end = secondsNow() + seconds
    while !condition() {
        if secondsNow() > end { return false }
        usleep(2000)
    }
    return true
}

func secondsNow() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}
