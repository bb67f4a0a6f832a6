/// One session with PostgreSQL.
///
/// Every call has a deadline; a session that misses it, or loses its server, is broken for good and a new one must be
/// opened. After `PostgresError.server` it remains usable.
///
/// For one thread at a time, and it blocks that thread: never call it on Swift's cooperative pool.
package final class Connection {
    let session: Session
    /// What the server knows under each name.
    var prepared: [String: PreparedStatement] = [:]
    var buffer = ParameterBuffer()
    /// Set from before BEGIN to before COMMIT: while it is, a lost session has committed nothing.
    private(set) var transactionDeadline: Deadline?

    private init(_ session: Session) {
        self.session = session
    }

    /// Connects and runs `settings`, each a whole statement such as `SET synchronous_commit = on`.
    ///
    /// `conninfo` is libpq's: keywords and values, or a URI.
    package static func open(
        _ conninfo: String, settings: [String] = [], within seconds: Double
    ) throws(PostgresError) -> Connection {
        let deadline = Deadline.after(seconds: seconds)
        let session: Session
        do {
            session = try Session.open(conninfo, before: deadline)
        } catch {
            switch error {
            case .timedOut: throw .unavailable("no session within \(seconds) s")
            case .lost(let reason): throw .unavailable(reason)
            }
        }
        let connection = Connection(session)
        guard !settings.isEmpty else { return connection }
        do {
            try connection.runSimple(settings.joined(separator: "; "), before: deadline)
        } catch {
            connection.close()
            throw error.mayHaveCommitted ? .unavailable("the session's settings were not answered: \(error)") : error
        }
        return connection
    }

    /// Whether this session has ended; it never recovers.
    package var isBroken: Bool { !session.isUsable }

    /// Warnings that came with the latest call, as SQLSTATE and message; at most 16.
    package var noticeWarnings: [String] { session.notices.warnings }

    /// Whether a BEGIN is open, or failed and not rolled back.
    var isInTransaction: Bool { session.isInTransaction }

    /// Whether the server has hung up since the last call. Costs one system call.
    var hasBeenClosedByServer: Bool { session.hasBeenClosedByServer() }

    package func close() {
        session.close()
    }

    /// Runs one statement, in a transaction of its own unless one is open.
    @discardableResult
    package func execute(
        _ statement: Statement, _ parameters: [Parameter] = [], within seconds: Double = 2
    ) throws(PostgresError) -> Rows {
        try run([Call(statement, parameters)], before: deadline(within: seconds))[0]
    }

    /// Runs SQL that may hold several statements and gives nothing back: migrations and settings.
    ///
    /// Without a BEGIN of its own all of it is one transaction.
    package func execute(simple sql: String, within seconds: Double) throws(PostgresError) {
        try runSimple(sql, before: deadline(within: seconds))
    }

    /// Runs all calls in one round trip and, unless a transaction is open, as one transaction; a result for each call, in order.
    ///
    /// One failure undoes all. Statements this session has not met are prepared in the same round trip.
    package func pipeline(_ calls: [Call], within seconds: Double = 2) throws(PostgresError) -> [Rows] {
        try run(calls, before: deadline(within: seconds))
    }

    private static let secondsToBegin = 1.5

    /// Runs `body` between BEGIN and COMMIT; its error rolls back and comes out again.
    ///
    /// All of it must be done `within` the seconds. When the session is lost, or the server warns, around COMMIT, the error is
    /// `outcomeUnknown`. Transactions do not nest.
    package func transaction<T>(within seconds: Double = 5, _ body: (Connection) throws -> T) throws -> T {
        guard transactionDeadline == nil else { throw PostgresError.misuse("a transaction within a transaction") }
        let deadline = Deadline.after(seconds: seconds)
        let value: T
        transactionDeadline = deadline
        do {
            // A server that does not even begin will not finish: its client is not kept waiting for the rest of the time.
            _ = try run([Call(.begin)], before: min(deadline, .after(seconds: Self.secondsToBegin)))
            value = try body(self)
        } catch {
            transactionDeadline = nil
            rollback()
            throw error
        }
        transactionDeadline = nil
        try commit(before: deadline)
        return value
    }

    private func deadline(within seconds: Double) -> Deadline {
        let own = Deadline.after(seconds: seconds)
        return transactionDeadline.map { min($0, own) } ?? own
    }

    private func commit(before deadline: Deadline) throws(PostgresError) {
        let rows: [Rows]
        do {
            rows = try run([Call(.commit)], before: deadline)
        } catch .timedOut {
            throw .outcomeUnknown("COMMIT was not answered in time")
        }
        // COMMIT in a failed transaction is answered, without error, by ROLLBACK.
        guard rows[0].result.commandTag == "COMMIT" else {
            throw .misuse("COMMIT of a transaction in which a statement had failed")
        }
    }

    /// A session that cannot even roll back is given up; the server then rolls back by itself.
    private func rollback() {
        guard !isBroken else { return }
        do {
            _ = try run([Call(.rollback)], before: .after(seconds: 2))
        } catch {
            session.abandon()
        }
    }
}

extension Statement {
    fileprivate static let begin = Statement("begin", "BEGIN")
    fileprivate static let commit = Statement("commit", "COMMIT")
    fileprivate static let rollback = Statement("rollback", "ROLLBACK")
}
