/// Where a server listens and what it grants one connection.
package struct ServerConfiguration: Sendable {
    /// An address or a name; `::` listens on IPv4 as well.
    package var host = "127.0.0.1"
    /// 0 takes a free port, the same for all workers; see `Server.port`.
    package var port: UInt16 = 8080
    /// Threads that serve connections, each with its own listen socket.
    package var workers = 2
    /// Absent: a twentieth of the descriptor limit, at least 16 and at most 8,192.
    package var daemonsPerWorker: Int?
    /// Bytes libmicrohttpd keeps for one connection. A request's head has to fit, with 64 bytes more for each field and 1 KiB left for the head
    /// of the response.
    package var connectionMemory = 6144
    /// Connections over all workers; one more is told 503. Absent: what the descriptor limit leaves.
    package var connectionLimit: Int?
    /// Bytes of memory for bodies that are being received, over all connections; what needs more is told 503. The first 16 KiB of each are not counted.
    package var bodyMemory = 256 << 20
    /// From the first byte of a request (or the connection's start) to the end of its head.
    package var headSeconds = 10
    /// From the end of the head to the end of the body. A body above 128 KiB has a second more for each 16 KiB. A streamed body has to keep
    /// up the least rate over each such time.
    package var bodySeconds = 30
    /// From the answer's start to its last byte's leaving. A body above 128 KiB has a second more for each 16 KiB. A streamed body has to be
    /// read at the least rate over each such time.
    package var responseSeconds = 60
    /// The least rate of a stream, either way; the time for which the application keeps it waiting does not count.
    package var streamBytesPerSecond = 1024
    /// Between two requests.
    package var idleSeconds = 75

    package init() {}
}
