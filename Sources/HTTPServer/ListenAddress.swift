import Glibc

/// A resolved host and a port.
struct ListenAddress {
    let host: String
    private var storage = sockaddr_storage()
    private var length = socklen_t(0)

    /// Takes the first address the name has.
    init(host: String, port: UInt16) throws(ServerError) {
        self.host = host
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_PASSIVE
        var found: UnsafeMutablePointer<addrinfo>?
        let result = getaddrinfo(host, nil, &hints, &found)
        defer { freeaddrinfo(found) }
        guard result == 0, let first = found?.pointee, let address = first.ai_addr else {
            throw .host(host, reason: String(cString: gai_strerror(result)))
        }
        length = min(first.ai_addrlen, socklen_t(MemoryLayout<sockaddr_storage>.size))
        withUnsafeMutableBytes(of: &storage) { $0.copyMemory(from: UnsafeRawBufferPointer(start: address, count: Int(length))) }
        self.port = port
    }

    var family: Int32 { Int32(storage.ss_family) }

    /// IPv4 and IPv6 addresses have their port at the same place.
    var port: UInt16 {
        get { Self.port(of: storage) }
        set {
            withUnsafeMutableBytes(of: &storage) {
                $0.storeBytes(of: newValue.bigEndian, toByteOffset: Self.portOffset, as: UInt16.self)
            }
        }
    }

    static func port(of storage: sockaddr_storage) -> UInt16 {
        withUnsafeBytes(of: storage) { UInt16(bigEndian: $0.load(fromByteOffset: portOffset, as: UInt16.self)) }
    }

    func withPointer<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        withUnsafePointer(to: storage) { storage in
            storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
        }
    }

    private static let portOffset = 2
}
