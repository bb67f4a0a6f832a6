import Glibc

/// One thread's share of a pool: keeps a session open and serves calls with it. Lives on that thread only.
final class PoolSession {
    private let conninfo: String
    private let settings: [String]
    private let line: Monitor<PoolLine<Pool.Body>>
    private var connection: Connection?
    private var backoff = Backoff()
    private var nextAttempt = Deadline.now
    private var lastFailure = PostgresError.unavailable("not connected yet")

    /// Seconds that opening a session may take: half of what a caller waits at most.
    private static let connectSeconds = 1.0

    init(conninfo: String, settings: [String], line: Monitor<PoolLine<Pool.Body>>) {
        self.conninfo = conninfo
        self.settings = settings
        self.line = line
    }

    private enum Errand {
        case serve(Pool.Body)
        case connect
        case leave
    }

    /// Serves until the line closes.
    func serve() {
        while true {
            switch nextErrand() {
            case .serve(let body): serve(body)
            case .connect: connect()
            case .leave:
                drop()
                return
            }
        }
    }

    /// The next call; without a session also the time for the next try to open one.
    private func nextErrand() -> Errand {
        line.withLock { $0.idle += 1 }
        let attempt = connection == nil ? nextAttempt : nil
        let errand: Errand? = line.wait(on: PoolCondition.session, until: { _ in attempt }) { line in
            if line.isClosed {
                line.idle -= 1
                return .leave
            }
            return line.next().map { .serve($0) }
        }
        if let errand { return errand }
        line.withLock { $0.idle -= 1 }
        return .connect
    }

    private func serve(_ body: Pool.Body) {
        if let connection, connection.hasBeenClosedByServer { drop() }
        if connection == nil, nextAttempt <= .now { connect() }
        guard let connection else { return body(.failure(lastFailure)) }
        body(.success(connection))
        // A body that leaves a transaction open would hand its locks and its snapshot to the next one.
        if connection.isBroken || connection.isInTransaction { drop() }
    }

    private func connect() {
        do {
            connection = try Connection.open(conninfo, settings: settings, within: PoolSession.connectSeconds)
            line.withLock { $0.connected += 1 }
            backoff.succeed()
        } catch {
            lastFailure = .unavailable("\(error)")
            nextAttempt = .after(seconds: backoff.fail(random: .random(in: 0...1)))
        }
    }

    private func drop() {
        guard let connection else { return }
        connection.close()
        self.connection = nil
        line.withLock { $0.connected -= 1 }
        nextAttempt = .now
    }
}

extension Connection {
    private static let attempts = 4

    /// Runs a transaction, and runs it again after a short random pause when the server undid it for a conflict.
    func retryingTransaction<T>(_ body: (Connection) throws -> T) throws -> T {
        for attempt in 1..<Connection.attempts {
            do {
                return try transaction(body)
            } catch let error as PostgresError where error.state?.isRetryable == true && !isBroken {
                usleep(.random(in: 1_000...10_000) * UInt32(attempt))
            }
        }
        return try transaction(body)
    }
}
