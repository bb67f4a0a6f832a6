internal import CMicrohttpd
import Glibc

/// One worker's socket for new connections. Each worker has its own on the same port, and the kernel spreads connections over them.
final class ListenSocket {
    let descriptor: Int32

    /// What a look for a new connection found.
    enum Arrival {
        /// The caller owns the descriptor.
        case connection(descriptor: Int32, address: sockaddr_storage, length: socklen_t)
        case none
        /// The process or the system has no descriptor left.
        case exhausted
    }

    private init(owning descriptor: Int32) {
        self.descriptor = descriptor
    }

    deinit {
        close(descriptor)
    }

    /// Opens one socket for each worker, all on one port; a port of 0 is chosen by the first.
    ///
    /// A socket that shares its port would also share it with another server of the same user, so one that does not share is tried first.
    static func open(host: String, port: UInt16, count: Int) throws(ServerError) -> (sockets: [ListenSocket], port: UInt16) {
        var address = try ListenAddress(host: host, port: port)
        if port != 0 { _ = try bound(address, isShared: false) }
        var sockets: [ListenSocket] = []
        for _ in 0..<count {
            let socket = try bound(address, isShared: true)
            guard listen(socket.descriptor, SOMAXCONN) == 0 else { throw .bind(host: host, port: address.port, errno: errno) }
            address.port = socket.localPort()
            sockets.append(socket)
        }
        return (sockets, address.port)
    }

    /// Takes the next waiting connection, if there is one.
    func accept() -> Arrival {
        var address = sockaddr_storage()
        while true {
            var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
            let descriptor = withUnsafeMutablePointer(to: &address) { storage in
                storage.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    accept4(self.descriptor, $0, &length, Int32(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue))
                }
            }
            if descriptor >= 0 { return .connection(descriptor: descriptor, address: address, length: length) }
            switch errno {
            case EINTR, ECONNABORTED, EPROTO: continue
            case EMFILE, ENFILE, ENOBUFS, ENOMEM: return .exhausted
            default: return .none
            }
        }
    }

    private static func bound(_ address: ListenAddress, isShared: Bool) throws(ServerError) -> ListenSocket {
        let type = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = Glibc.socket(address.family, type, 0)
        guard descriptor >= 0 else { throw .system("socket", errno: errno) }
        let socket = ListenSocket(owning: descriptor)
        socket.set(SOL_SOCKET, SO_REUSEADDR, 1)
        if isShared { socket.set(SOL_SOCKET, SO_REUSEPORT, 1) }
        if address.family == AF_INET6 { socket.set(Int32(IPPROTO_IPV6), IPV6_V6ONLY, 0) }
        // Inherited by each connection.
        socket.set(Int32(IPPROTO_TCP), TCP_NODELAY, 1)
        let result = address.withPointer { Glibc.bind(descriptor, $0, $1) }
        guard result == 0 else { throw .bind(host: address.host, port: address.port, errno: errno) }
        return socket
    }

    private func set(_ level: Int32, _ option: Int32, _ value: Int32) {
        var value = value
        setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
    }

    private func localPort() -> UInt16 {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        _ = withUnsafeMutablePointer(to: &storage) { storage in
            storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        return ListenAddress.port(of: storage)
    }
}
