import Glibc

/// Why a wait, or what was waited for, came to nothing.
enum Interruption: Error, Equatable {
    case closed
    case timedOut
    case lost(String)
}

/// Tells a thread that waits in poll(2) to leave; once given, for good.
///
/// A pair of connected sockets, one of them in the poll: shut down, it is readable for ever. Unlike a pipe's, its
/// descriptors are closed on exec(3) from the start, and shutting down twice does no harm.
final class ClosingSignal: Sendable {
    private let waiting: Int32
    private let signalling: Int32

    init() {
        var ends: [Int32] = [-1, -1]
        let made = socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends)
        // As with its thread: it is made while the process starts, and without it nothing could be ended in order.
        guard made == 0 else { fatalError("cannot make a pair of sockets: \(errorText())") }
        (waiting, signalling) = (ends[0], ends[1])
    }

    deinit {
        close(waiting)
        close(signalling)
    }

    func give() {
        shutdown(signalling, Int32(SHUT_RDWR))
    }

    /// Waits for the socket's events; with no socket (-1), just for the deadline.
    ///
    /// What is there already is seen even after the deadline.
    func wait(for socket: Int32, _ events: Int32, before deadline: Deadline) throws(Interruption) {
        var entries = [
            pollfd(fd: waiting, events: Int16(POLLIN), revents: 0),
            pollfd(fd: socket, events: Int16(events), revents: 0),
        ]
        while true {
            let ready = poll(&entries, nfds_t(entries.count), deadline.remainingMilliseconds)
            if ready < 0, errno != EINTR { throw .lost("poll: \(errorText())") }
            if ready < 0 { continue }
            if entries[0].revents != 0 { throw .closed }
            if ready == 0 { throw .timedOut }
            return
        }
    }
}
