import Glibc
import Synchronization

/// A server of raw sockets on a free loopback port: each connection has a thread that runs the script until it returns.
final class ScriptedServer: Sendable {
    let port: UInt16
    private let listener: Int32
    private let accepted = Mutex<[Int32]>([])

    struct Failure: Error {}

    /// One accepted connection, for the script.
    struct Peer: Sendable {
        let descriptor: Int32

        /// A request's head and body as text; nil once the client is gone.
        func readRequest() -> String? {
            var bytes: [UInt8] = []
            var byte: UInt8 = 0
            while !bytes.suffix(4).elementsEqual("\r\n\r\n".utf8) {
                guard recv(descriptor, &byte, 1, 0) == 1 else { return nil }
                bytes.append(byte)
            }
            let head = String(decoding: bytes, as: UTF8.self)
            let line = head.split(separator: "\r\n").first { $0.lowercased().hasPrefix("content-length:") }
            var left = line.flatMap { Int($0.split(separator: " ").last ?? "") } ?? 0
            while left > 0, recv(descriptor, &byte, 1, 0) == 1 {
                bytes.append(byte)
                left -= 1
            }
            return String(decoding: bytes, as: UTF8.self)
        }

        func write(_ text: String) {
            let bytes = Array(text.utf8)
            _ = send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
        }

        func answer(_ status: String = "200 OK", _ body: String = "", headers: String = "") {
            write("HTTP/1.1 \(status)\r\nContent-Length: \(body.utf8.count)\r\n\(headers)\r\n\(body)")
        }
    }

    init(_ script: @escaping @Sendable (Peer) -> Void) throws {
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listener = listener
        let result = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) == 0 && listen(listener, 64) == 0 && getsockname(listener, $0, &length) == 0
            }
        }
        guard result else { throw Failure() }
        port = UInt16(bigEndian: address.sin_port)
        Self.thread { [self] in
            while true {
                let descriptor = accept(listener, nil, nil)
                guard descriptor >= 0 else { return }
                accepted.withLock { $0.append(descriptor) }
                Self.thread {
                    script(Peer(descriptor: descriptor))
                    shutdown(descriptor, Int32(SHUT_RDWR))
                }
            }
        }
    }

    var url: String { "http://127.0.0.1:\(port)" }
    var connections: Int { accepted.withLock { $0.count } }

    /// Called at the end of each test; the descriptors go with the process, so that no thread meets a stranger's.
    func stop() {
        shutdown(listener, Int32(SHUT_RDWR))
        accepted.withLock { descriptors in
            for descriptor in descriptors { shutdown(descriptor, Int32(SHUT_RDWR)) }
        }
    }

    private static func thread(_ body: @escaping @Sendable () -> Void) {
        var thread = pthread_t()
        let start = Unmanaged.passRetained(Start(body: body))
        guard pthread_create(&thread, nil, runScript, start.toOpaque()) == 0 else { return }
        pthread_detach(thread)
    }
}

private final class Start: Sendable {
    let body: @Sendable () -> Void

    init(body: @escaping @Sendable () -> Void) {
        self.body = body
    }
}

private func runScript(start: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let start else { return nil }
    Unmanaged<Start>.fromOpaque(start).takeRetainedValue().body()
    return nil
}
