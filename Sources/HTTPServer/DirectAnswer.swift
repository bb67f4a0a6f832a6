import Glibc

/// Writes a response to a socket without libmicrohttpd, where that has no request to answer or no memory left to answer with.
/// Nothing follows it: the connection has to be closed.
enum DirectAnswer {
    /// False: the kernel did not take all of it at once.
    static func send(_ response: Response, on descriptor: Int32) -> Bool {
        let bytes = serialized(response)
        let flags = Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)
        return bytes.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, flags) } == bytes.count
    }

    /// Source: RFC 9112, 3 and 4; the reason phrase may be empty.
    static func serialized(_ response: Response) -> [UInt8] {
        var head = "HTTP/1.1 \(response.status) \r\n"
        for header in response.headers { head += "\(header.name): \(header.value)\r\n" }
        head += "Connection: close\r\nContent-Length: \(response.body.count)\r\n\r\n"
        return Array(head.utf8) + response.body
    }
}
