/// A fixed number of sessions, each on a thread of its own, that serve calls in order of arrival.
///
/// At most 200 calls wait, for at most a second each; more, or longer, is `tooManyWaiting`. A lost session is opened again
/// by its thread, with a growing and jittered pause of at most a second; while none can be had, calls fail within
/// two seconds with `unavailable`. Bodies run on the session's thread, never on Swift's cooperative pool, and must
/// not keep the connection.
package final class Pool: Sendable {
    /// What a call does with its session, or with the reason that there is none.
    package typealias Body = @Sendable (Result<Connection, PostgresError>) -> Void

    /// A moment's counts, for metrics.
    package struct Statistics: Sendable, Equatable {
        package let size: Int
        /// Sessions that are open.
        package let connected: Int
        /// Threads at work, on a call or on opening a session.
        package let busy: Int
        package let waiting: Int
        /// Since the start: calls that a session's thread took, and calls that stood in vain.
        package let served: Int
        package let refused: Int
    }

    private let size: Int
    private let line: Monitor<PoolLine<Body>>
    private let noteWait: (@Sendable (Double) -> Void)?
    private let threads: [DedicatedThread]

    /// Opens sessions in the background. `settings` are whole SET statements; `name` begins the threads' names; `noteWait` is told how many seconds
    /// each call stood in line, whether it got a session or not.
    package init(conninfo: String, size: Int, settings: [String] = [], name: String, noteWait: (@Sendable (Double) -> Void)? = nil) {
        let line = Monitor(PoolLine<Body>(capacity: 200, patience: 1), conditions: PoolCondition.count)
        self.size = size
        self.line = line
        self.noteWait = noteWait
        var threads = (0..<size).map { number in
            DedicatedThread(name: "\(name)-\(number)") {
                PoolSession(conninfo: conninfo, settings: settings, line: line).serve()
            }
        }
        threads.append(DedicatedThread(name: "\(name)-watch") { watch(line) })
        self.threads = threads
    }

    deinit {
        close()
    }

    /// Runs `body` with a session and gives back what it returns or throws.
    package func run<T: Sendable>(_ body: @escaping @Sendable (Connection) throws -> T) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            submit { session in
                continuation.resume(with: Result { try body(session.get()) })
            }
        }
    }

    /// Runs `body` in a transaction, and up to three times more when the server undid it for a conflict with another (40001, 40P01).
    package func transaction<T: Sendable>(_ body: @escaping @Sendable (Connection) throws -> T) async throws -> T {
        try await run { try $0.retryingTransaction(body) }
    }

    /// Hands `body` to a session's thread and returns at once. `body` is called exactly once: on that thread, or with
    /// an error on the caller's own when it is refused, or on the watching thread when it has stood too long.
    package func submit(_ body: @escaping Body) {
        let body = timed(body)
        switch line.withLock({ $0.enqueue(body, now: .now) }) {
        case .wakeSession: line.signal(PoolCondition.session)
        case .wakeWatch: line.signal(PoolCondition.watch)
        case .refuse(let error): body(.failure(error))
        }
    }

    private func timed(_ body: @escaping Body) -> Body {
        guard let noteWait else { return body }
        let asked = ContinuousClock.now
        return { session in
            noteWait((ContinuousClock.now - asked) / .seconds(1))
            body(session)
        }
    }

    package var statistics: Statistics {
        line.withLock {
            Statistics(
                size: size, connected: $0.connected, busy: size - $0.idle, waiting: $0.waitingCount, served: $0.served, refused: $0.refused)
        }
    }

    /// Fails what waits, lets running calls end, closes the sessions and joins the threads. Safe to call twice.
    package func close() {
        let left = line.withLock { $0.close() }
        line.broadcast()
        for body in left { body(.failure(.unavailable("the pool is closed"))) }
        for thread in threads { thread.join() }
    }
}

/// Who waits on the line.
enum PoolCondition {
    static let session = 0
    static let watch = 1
    static let count = 2
}

/// Turns away the calls that have stood in line too long, until the line closes. It matters only when every session is busy.
private func watch(_ line: Monitor<PoolLine<Pool.Body>>) {
    var isClosed = false
    while !isClosed {
        isClosed = line.wait(on: PoolCondition.watch, until: \.nextExpiry) { $0.isClosed ? true : nil } ?? false
        guard let late = line.withLock({ $0.expire(now: .now) }) else { continue }
        for body in late.jobs { body(.failure(late.error)) }
    }
}
