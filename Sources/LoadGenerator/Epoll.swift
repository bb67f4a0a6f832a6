internal import CEpoll
import Glibc

/// The sockets the kernel watches for one event loop, edge-triggered: each change is told once. Source: epoll(7).
struct Epoll: ~Copyable {
    /// What happened to one socket.
    struct Event {
        /// The number it was added under.
        var number: Int
        /// The peer has closed, or the socket has an error to tell: whoever reads must read to the end.
        var isClosing: Bool
    }

    private let descriptor: Int32
    private var ready = [epoll_event](repeating: epoll_event(), count: 512)

    init() throws(LoadFault) {
        descriptor = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard descriptor >= 0 else { throw .system(call: "epoll_create1", code: errno) }
    }

    deinit {
        close(descriptor)
    }

    /// Watches a socket until it is closed. Returns false where the kernel has no room.
    func add(_ socket: Int32, number: Int) -> Bool {
        var event = epoll_event()
        event.events = EPOLLIN.rawValue | EPOLLOUT.rawValue | EPOLLRDHUP.rawValue | EPOLLET.rawValue
        event.data.u64 = UInt64(number)
        return epoll_ctl(descriptor, EPOLL_CTL_ADD, socket, &event) == 0
    }

    /// Waits until something happens, at most until `deadline`, and appends what did.
    mutating func wait(until deadline: Instant, into events: inout [Event]) {
        let now = MonotonicClock.now
        let nanoseconds = deadline > now ? deadline - now : 0
        var timeout = timespec(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
        let count = epoll_pwait2(descriptor, &ready, Int32(ready.count), &timeout, nil)
        // An interrupted wait counts as one in which nothing happened.
        guard count > 0 else { return }
        let closing = EPOLLRDHUP.rawValue | EPOLLHUP.rawValue | EPOLLERR.rawValue
        for index in 0..<Int(count) {
            events.append(Event(number: Int(ready[index].data.u64), isClosing: ready[index].events & closing != 0))
        }
    }
}
