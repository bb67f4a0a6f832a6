internal import CMicrohttpd
import Glibc
import Synchronization

/// What a worker is told about an exchange of its.
enum Notice {
    /// Its answer is there.
    case answered(Exchange)
    /// A stream that its connection was paused for can go on.
    case flow(Exchange)

    var exchange: Exchange {
        switch self {
        case .answered(let exchange), .flow(let exchange): exchange
        }
    }
}

/// Notices on their way from any thread to the worker that owns their connections.
///
/// The descriptor lives as long as anyone can append, which may be longer than the worker does.
final class CompletionQueue: Sendable {
    /// An eventfd: readable when there is something to do.
    let descriptor: Int32
    private let notices = Mutex<[Notice]>([])

    init() throws(ServerError) {
        descriptor = eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC))
        guard descriptor >= 0 else { throw .system("eventfd", errno: errno) }
    }

    deinit {
        close(descriptor)
    }

    /// Adds a notice; only the first since the worker last looked costs a system call.
    func append(_ notice: Notice) {
        let isFirst = notices.withLock { list in
            list.append(notice)
            return list.count == 1
        }
        if isFirst { wake() }
    }

    /// Makes the worker look.
    func wake() {
        // Fails only when the counter is full, and then the worker is awake.
        _ = eventfd_write(descriptor, 1)
    }

    /// Forgets a wake-up that has been heard.
    func silence() {
        var count: eventfd_t = 0
        _ = eventfd_read(descriptor, &count)
    }

    /// Exchanges what has gathered for the empty list given, which so keeps its storage.
    func take(into batch: inout [Notice]) {
        notices.withLock { list in
            guard !list.isEmpty else { return }
            swap(&list, &batch)
        }
    }
}
