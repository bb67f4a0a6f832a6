internal import CLibcurl
import Glibc
import Synchronization

/// The thread of one client's transfers.
final class TransferThread: Sendable {
    private let handle: pthread_t
    private let isJoined = Atomic<Bool>(false)

    init(_ body: @escaping @Sendable () -> Void) {
        let start = Unmanaged.passRetained(ThreadStart(body: body))
        var thread = pthread_t()
        let error = pthread_create(&thread, nil, runThread, start.toOpaque())
        // Clients are made while the process starts, and nothing works without them.
        guard error == 0 else { fatalError("cannot start the thread of an HTTP client: errno \(error)") }
        pthread_setname_np(thread, "http-client")
        handle = thread
    }

    /// Waits for its end. Only the first call waits; the thread itself does not wait for itself.
    func join() {
        guard isJoined.exchange(true, ordering: .acquiringAndReleasing) == false else { return }
        if pthread_equal(handle, pthread_self()) == 0 {
            pthread_join(handle, nil)
        } else {
            pthread_detach(handle)
        }
    }
}

private final class ThreadStart: Sendable {
    let body: @Sendable () -> Void

    init(body: @escaping @Sendable () -> Void) {
        self.body = body
    }
}

/// The thread's first function; `start` is a retained `ThreadStart`. Signals are left to the threads that the process was born with.
private func runThread(start: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let start else { return nil }
    let thread = Unmanaged<ThreadStart>.fromOpaque(start).takeRetainedValue()
    var signals = sigset_t()
    sigfillset(&signals)
    for fault in [SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT] { sigdelset(&signals, fault) }
    pthread_sigmask(SIG_BLOCK, &signals, nil)
    thread.body()
    return nil
}
