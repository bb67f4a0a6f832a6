import CLibpq
import Glibc
import Synchronization

/// A thread of our own, for C code that blocks: it has a name, 8 MiB of stack, and ends when its body returns.
///
/// Swift's cooperative pool has as many threads as there are cores; two blocked calls would stop every Task.
/// Signals are left to the threads that the process was born with.
package final class DedicatedThread: Sendable {
    private let handle: pthread_t
    private let isJoined = Atomic<Bool>(false)

    private static let stackBytes = 8 << 20

    /// Starts the thread. `name` shows in `top -H`; the kernel keeps its first 15 bytes.
    package init(name: String, _ body: @escaping @Sendable () -> Void) {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setstacksize(&attributes, DedicatedThread.stackBytes)
        let start = Unmanaged.passRetained(ThreadStart(name: name, body: body))
        var thread = pthread_t()
        let error = pthread_create(&thread, &attributes, runThread, start.toOpaque())
        // Threads are started while the process starts; without them nothing can be served, and no client is connected yet.
        guard error == 0 else { fatalError("cannot start thread \(name): errno \(error)") }
        handle = thread
    }

    deinit {
        if !isJoined.load(ordering: .acquiring) { pthread_detach(handle) }
    }

    /// Waits for the end of the thread. Only the first call waits; the thread itself may not wait for its own end and does not.
    package func join() {
        guard pthread_equal(handle, pthread_self()) == 0 else { return }
        guard isJoined.exchange(true, ordering: .acquiringAndReleasing) == false else { return }
        pthread_join(handle, nil)
    }
}

private final class ThreadStart: Sendable {
    let name: String
    let body: @Sendable () -> Void

    init(name: String, body: @escaping @Sendable () -> Void) {
        self.name = name
        self.body = body
    }
}

/// The thread's first function; `start` is a retained `ThreadStart`, released when the body has returned.
private func runThread(start: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let start else { return nil }
    let thread = Unmanaged<ThreadStart>.fromOpaque(start).takeRetainedValue()
    blockSignals()
    var name = Array(thread.name.utf8.prefix(15).map { CChar(bitPattern: $0) })
    name.append(0)
    pthread_setname_np(pthread_self(), name)
    thread.body()
    return nil
}

/// All but those that a fault raises in the thread itself.
private func blockSignals() {
    var signals = sigset_t()
    sigfillset(&signals)
    for fault in [SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT] { sigdelset(&signals, fault) }
    pthread_sigmask(SIG_BLOCK, &signals, nil)
}
