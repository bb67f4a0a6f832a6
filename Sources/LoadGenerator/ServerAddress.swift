import Glibc

/// Where the server under load listens: `http://HOST:PORT`, resolved once.
package struct ServerAddress: Sendable {
    /// HOST:PORT as it stands in the `Host` header.
    package let authority: String
    let family: Int32
    private let address: sockaddr_storage
    private let length: socklen_t

    package init(url: String) throws(LoadFault) {
        guard url.hasPrefix("http://") else { throw .invalidServer(url) }
        var authority = String(url.dropFirst("http://".count))
        if authority.hasSuffix("/") { authority.removeLast() }
        guard let colon = authority.lastIndex(of: ":") else { throw .invalidServer(url) }
        let host = authority[..<colon].filter { $0 != "[" && $0 != "]" }
        let port = String(authority[authority.index(after: colon)...])
        guard UInt16(port) != nil else { throw .invalidServer(url) }

        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, port, &hints, &list) == 0, let first = list?.pointee, let found = first.ai_addr else {
            throw .invalidServer(url)
        }
        defer { freeaddrinfo(list) }
        var address = sockaddr_storage()
        withUnsafeMutableBytes(of: &address) { target in
            target.copyMemory(from: UnsafeRawBufferPointer(start: found, count: Int(first.ai_addrlen)))
        }
        self.authority = authority
        self.family = first.ai_family
        self.address = address
        self.length = first.ai_addrlen
    }

    /// Starts to connect a non-blocking socket; what comes of it shows on the socket. Returns false where the kernel refuses at once.
    func connect(_ descriptor: Int32) -> Bool {
        let result = withUnsafePointer(to: address) { storage in
            storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.connect(descriptor, $0, length) }
        }
        return result == 0 || errno == EINPROGRESS
    }
}
