import Glibc
import Synchronization

@testable import Postgres

/// Stands between a client and the server's unix socket, and can swallow what the client says or hang up at a chosen moment.
final class UnixProxy: Sendable {
    enum Rule: Sendable {
        case forward
        /// Reads from the client, and passes nothing on.
        case swallow
        /// Passes on the first piece that holds these words, and then hangs up on the client before any answer.
        case cutAfterForwarding(String)
    }

    private struct State {
        var rule = Rule.forward
        var turns = 0
    }

    private let directory: String
    private let server: String
    private let listener: Int32
    private let state = Mutex(State())
    private let thread = Mutex<DedicatedThread?>(nil)
    private let isClosed = Atomic<Bool>(false)

    init(to server: String) throws {
        directory = temporaryDirectory()
        self.server = server
        listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = unixAddress(directory + "/.s.PGSQL.5432")
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(listener, $0, size) }
        }
        guard bound == 0, listen(listener, 8) == 0 else { throw PostgresError.misuse("proxy: errno \(errno)") }
        thread.withLock { $0 = DedicatedThread(name: "proxy") { [self] in acceptAll() } }
    }

    var conninfo: String { "host=\(directory) port=5432 user=restante dbname=restante" }

    var rule: Rule {
        get { state.withLock { $0.rule } }
        set { state.withLock { $0.rule = newValue } }
    }

    /// How often the client spoke after the server had: round trips, as seen from between them.
    var turns: Int { state.withLock { $0.turns } }

    func close() {
        isClosed.store(true, ordering: .releasing)
        thread.withLock { $0 }?.join()
        Glibc.close(listener)
        removeTree(directory)
    }

    /// One client at a time.
    private func acceptAll() {
        while !isClosed.load(ordering: .acquiring) {
            guard isReadable([listener])[0] else { continue }
            let client = accept(listener, nil, nil)
            let upstream = connectUnix(server)
            relay(client, upstream)
            Glibc.close(client)
            Glibc.close(upstream)
        }
    }

    private func relay(_ client: Int32, _ upstream: Int32) {
        var isServersTurn = false
        while !isClosed.load(ordering: .acquiring) {
            let ready = isReadable([client, upstream])
            if ready[0] {
                guard let bytes = receive(client), !bytes.isEmpty else { return }
                if !isServersTurn { state.withLock { $0.turns += 1 } }
                isServersTurn = true
                switch rule {
                case .forward: send(upstream, bytes)
                case .swallow: continue
                case .cutAfterForwarding(let words):
                    send(upstream, bytes)
                    if String(decoding: bytes, as: UTF8.self).contains(words) { return awaitAnswer(upstream) }
                }
            }
            if ready[1] {
                guard let bytes = receive(upstream), !bytes.isEmpty else { return }
                isServersTurn = false
                send(client, bytes)
            }
        }
    }

    /// Before hanging up, so that the server has done what it was told.
    private func awaitAnswer(_ upstream: Int32) {
        while !isReadable([upstream])[0], !isClosed.load(ordering: .acquiring) {}
    }
}

private func unixAddress(_ path: String) -> sockaddr_un {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    return address
}

private func connectUnix(_ path: String) -> Int32 {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = unixAddress(path)
    let size = socklen_t(MemoryLayout<sockaddr_un>.size)
    _ = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, size) }
    }
    return descriptor
}

/// Waits at most 20 ms.
private func isReadable(_ descriptors: [Int32]) -> [Bool] {
    var entries = descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
    poll(&entries, nfds_t(entries.count), 20)
    return entries.map { $0.revents != 0 }
}

private func receive(_ descriptor: Int32) -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: 65_536)
    let count = recv(descriptor, &bytes, bytes.count, 0)
    return count < 0 ? nil : Array(bytes.prefix(count))
}

private func send(_ descriptor: Int32, _ bytes: [UInt8]) {
    var rest = bytes[...]
    while !rest.isEmpty {
        let count = rest.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        guard count > 0 else { return }
        rest = rest.dropFirst(count)
    }
}
