internal import CMicrohttpd
import Glibc

/// A worker's epoll.
final class EventPoll {
    /// What to wait for.
    enum Interest {
        case readable
        /// The peer's closing its side, reported once. Source: epoll_ctl(2), EPOLLRDHUP and EPOLLONESHOT.
        case hangUpOnce

        var bits: UInt32 {
            switch self {
            case .readable: EPOLLIN.rawValue
            case .hangUpOnce: EPOLLRDHUP.rawValue | EPOLLONESHOT.rawValue
            }
        }
    }

    private let descriptor: Int32
    private let events: UnsafeMutableBufferPointer<epoll_event>
    private static let capacity = 256

    init() throws(ServerError) {
        descriptor = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard descriptor >= 0 else { throw .system("epoll_create1", errno: errno) }
        events = .allocate(capacity: Self.capacity)
        events.initialize(repeating: epoll_event())
    }

    deinit {
        events.deallocate()
        close(descriptor)
    }

    /// False where the kernel has no memory for it, or the descriptor is unknown.
    func add(_ descriptor: Int32, _ source: EventSource, _ interest: Interest = .readable) -> Bool {
        var event = epoll_event()
        event.events = interest.bits
        event.data.u64 = source.bits
        return epoll_ctl(self.descriptor, EPOLL_CTL_ADD, descriptor, &event) == 0
    }

    func remove(_ descriptor: Int32) {
        epoll_ctl(self.descriptor, EPOLL_CTL_DEL, descriptor, nil)
    }

    /// Waits up to so many milliseconds, and tells what is ready.
    func wait(milliseconds: Int32, _ body: (EventSource) -> Void) {
        let count = epoll_wait(descriptor, events.baseAddress, Int32(Self.capacity), milliseconds)
        for index in 0..<max(0, Int(count)) {
            body(EventSource(events[index].data.u64))
        }
    }
}
