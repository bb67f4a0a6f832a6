internal import CMicrohttpd

/// One of a worker's libmicrohttpd daemons: it has no thread and no listen socket, and runs when the worker says so.
///
/// A resume makes a daemon walk the list of all its suspended connections. That is why a worker has a thousand daemons with a few
/// connections each and not one with all. Every method is called on the worker's thread.
final class Daemon {
    /// Readable when one of the daemon's connections has something to do.
    let descriptor: Int32
    /// In the worker's list of daemons that have to run.
    var isTouched = false
    /// Its last turn ended with more to do, but moved nothing: it runs at the next sweep, or when there is something new.
    var isResting = false
    private let handle: OpaquePointer

    init(connectionLimit: Int, connectionMemory: Int, callbacks: mhd_callbacks) throws(ServerError) {
        guard let handle = mhd_start_external(UInt32(clamping: connectionLimit), connectionMemory, callbacks) else { throw .daemon }
        self.handle = handle
        descriptor = mhd_epoll_descriptor(handle)
    }

    /// Aborts the process if a connection is still suspended.
    /// Source: microhttpd.h, MHD_suspend_connection ("... must be resumed before MHD_stop_daemon").
    deinit {
        MHD_stop_daemon(handle)
    }

    /// Takes over a non-blocking socket; it is closed if there is no memory for a connection.
    func add(owning descriptor: Int32, address: sockaddr_storage, length: socklen_t) {
        withUnsafePointer(to: address) { storage in
            storage.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = MHD_add_connection(handle, descriptor, $0, length)
            }
        }
    }

    /// Serves what is ready. True: there is more to do, but others want their turn; or libmicrohttpd says so and does nothing.
    func run() -> Bool {
        for _ in 0..<16 {
            MHD_run(handle)
            guard hasMore else { return false }
        }
        return true
    }

    /// Connections can be ready without their socket's being so: one resumed, or one whose next request is in the buffer already.
    /// Only connections that were cut have a timeout; until it is over, what is reported is above 0.
    private var hasMore: Bool {
        var timeout: UInt64 = 0
        return MHD_get_timeout(handle, &timeout) == .YES && timeout == 0
    }
}
