import Glibc

/// State behind a lock, with conditions on which threads wait for it to change.
///
/// `Synchronization.Mutex` has no condition variable. `@unchecked Sendable`: `state` is touched only while `mutex` is held.
final class Monitor<State>: @unchecked Sendable {
    private var state: State
    // Allocated, because pthread objects must never move.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let conditions: UnsafeMutableBufferPointer<pthread_cond_t>

    /// `conditions`: how many kinds of waiter there are, numbered from 0.
    init(_ state: sending State, conditions count: Int = 1) {
        self.state = state
        conditions = .allocate(capacity: count)
        mutex.initialize(to: pthread_mutex_t())
        pthread_mutex_init(mutex, nil)
        conditions.initialize(repeating: pthread_cond_t())
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        // Deadlines are on this clock.
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        for index in conditions.indices { pthread_cond_init(address(of: index), &attributes) }
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        for index in conditions.indices { pthread_cond_destroy(address(of: index)) }
        pthread_mutex_destroy(mutex)
        conditions.deallocate()
        mutex.deallocate()
    }

    func withLock<T>(_ body: (inout State) throws -> T) rethrows -> T {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body(&state)
    }

    /// Waits until `body`, called under the lock now and after every signal, gives a value. Nil when the deadline, which
    /// `body` may move, passes first.
    func wait<T>(on condition: Int = 0, until deadline: (State) -> Deadline?, _ body: (inout State) -> T?) -> T? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while true {
            if let value = body(&state) { return value }
            guard let deadline = deadline(state) else {
                pthread_cond_wait(address(of: condition), mutex)
                continue
            }
            if Deadline.now >= deadline { return nil }
            var time = deadline.timespecification
            pthread_cond_timedwait(address(of: condition), mutex, &time)
        }
    }

    func signal(_ condition: Int = 0) {
        pthread_cond_signal(address(of: condition))
    }

    func broadcast() {
        for index in conditions.indices { pthread_cond_broadcast(address(of: index)) }
    }

    private func address(of condition: Int) -> UnsafeMutablePointer<pthread_cond_t> {
        // Allocated with at least one element, so it has an address.
        conditions.baseAddress! + condition
    }
}
