import Synchronization

/// What a server's workers are to do; it only ever moves forward.
enum RunMode: UInt8, AtomicRepresentable {
    case serving
    /// No new connections; each answer ends its connection.
    case draining
    /// As before, and end when the last connection has.
    case stopping
}

/// A server's mode, as all its workers see it.
final class SharedRunMode: Sendable {
    private let mode = Atomic<RunMode>(.serving)
    private let stopAt = Atomic<Int64>(.max)

    var current: RunMode { mode.load(ordering: .relaxed) }

    /// When patience with held exchanges ends, in monotonic milliseconds.
    var deadline: Int64 { stopAt.load(ordering: .relaxed) }

    func drain() {
        _ = mode.compareExchange(expected: .serving, desired: .draining, ordering: .relaxed)
    }

    func stop(at deadline: Int64) {
        stopAt.store(deadline, ordering: .relaxed)
        mode.store(.stopping, ordering: .releasing)
    }
}
