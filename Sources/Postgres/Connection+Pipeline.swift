import CLibpq

// How calls travel: everything goes through libpq's pipeline mode, a single call as a pipeline of one. The messages are
//
//     [Parse] Bind Execute  [Parse] Bind Execute  …  Sync
//
// with a Parse only before a statement new to the session. Sync ends the server's implicit transaction: that is the commit.
// Until Sync has left this process nothing can have been committed; after that, and until its answer is here, nobody
// can say. An error makes the server skip all up to Sync and answer that, which leaves the session usable.
//
// Source: libpq manual, "Pipeline Mode"; protocol chapter, "Extended Query" and "Pipelining".

/// A text and its parameter types, as prepared in one session.
struct PreparedStatement: Equatable {
    let sql: String
    let types: [TypeIdentifier]
}

extension Connection {
    /// One message on its way, in the order in which the server will answer.
    private enum Step {
        case prepare(name: String, PreparedStatement)
        case call
    }

    func run(_ calls: [Call], before deadline: Deadline) throws(PostgresError) -> [Rows] {
        guard !calls.isEmpty else { return [] }
        try begin()
        guard session.enterPipeline() else { throw giveUp(.unavailable(session.errorMessage)) }
        let steps = try send(calls)
        return try gather(steps, before: deadline)
    }

    /// Runs SQL by the simple protocol, which takes several statements at once.
    func runSimple(_ sql: String, before deadline: Deadline) throws(PostgresError) {
        try begin()
        guard session.sendSimple(sql) else { throw giveUp(lossError(session.errorMessage)) }
        var failure: PostgresError?
        while let result = try nextResult(before: deadline) {
            switch result.status {
            case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY: continue
            case PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH: throw giveUp(.misuse("COPY is not spoken here"))
            default: failure = try serverError(result)
            }
        }
        if let failure { throw failure }
        try throwCommitDoubt()
    }

    private func begin() throws(PostgresError) {
        guard !isBroken else { throw giveUp(.unavailable(session.errorMessage)) }
        session.notices.clear()
    }

    /// Queues every message. What fails before Sync is known to have had no effect.
    private func send(_ calls: [Call]) throws(PostgresError) -> [Step] {
        var steps: [Step] = []
        var pending: [String: PreparedStatement] = [:]
        for call in calls {
            do {
                try buffer.encode(call.parameters)
            } catch {
                throw giveUp(error)
            }
            let name = call.statement.name
            let wanted = PreparedStatement(sql: call.statement.sql, types: call.parameters.map(\.type))
            if let known = prepared[name] ?? pending[name] {
                guard known == wanted else { throw giveUp(.misuse("\(name) stands for two texts or two lists of parameter types")) }
            } else {
                guard session.sendPrepare(name, wanted) else { throw giveUp(.unavailable(session.errorMessage)) }
                pending[name] = wanted
                steps.append(.prepare(name: name, wanted))
            }
            guard session.sendCall(name, &buffer) else { throw giveUp(.unavailable(session.errorMessage)) }
            steps.append(.call)
        }
        guard session.sendSync() else { throw giveUp(lossError(session.errorMessage)) }
        return steps
    }

    /// Reads up to the answer to Sync. A commit that fails at Sync itself (a deferred constraint) reports its error after
    /// the last command's success.
    private func gather(_ steps: [Step], before deadline: Deadline) throws(PostgresError) -> [Rows] {
        var rows: [Rows] = []
        var answers = steps.makeIterator()
        var failure: PostgresError?
        var hasEndedCommand = false
        while true {
            guard let result = try nextResult(before: deadline) else {
                // Between two commands libpq returns nil once; twice in a row would mean that it expects nothing more.
                if hasEndedCommand { throw giveUp(lossError("an answer is missing")) }
                hasEndedCommand = true
                continue
            }
            hasEndedCommand = false
            switch result.status {
            case PGRES_PIPELINE_SYNC:
                guard session.exitPipeline() else { throw giveUp(lossError(session.errorMessage)) }
                if let failure { throw failure }
                try throwCommitDoubt()
                return rows
            case PGRES_COMMAND_OK, PGRES_TUPLES_OK:
                switch answers.next() {
                case .prepare(let name, let statement): prepared[name] = statement
                case .call: rows.append(Rows(result))
                case nil: throw giveUp(lossError("an answer too many"))
                }
            case PGRES_PIPELINE_ABORTED: continue
            case PGRES_FATAL_ERROR:
                let error = try serverError(result)
                if failure == nil { failure = error }
            default: throw giveUp(.misuse("a statement of a kind that is not spoken here, such as COPY"))
            }
        }
    }

    private func nextResult(before deadline: Deadline) throws(PostgresError) -> QueryResult? {
        let result: QueryResult?
        do {
            result = try session.nextResult(before: deadline)
        } catch {
            switch error {
            case .timedOut: throw giveUp(.timedOut)
            case .lost(let reason): throw giveUp(lossError(reason))
            }
        }
        // libpq reports a lost session once and then, as if all were well, "no more results".
        if result == nil, !session.isUsable { throw giveUp(lossError(session.errorMessage)) }
        return result
    }

    /// What the server said, if it can go on; when it ends the session, or libpq itself speaks, the session is given up.
    private func serverError(_ result: QueryResult) throws(PostgresError) -> PostgresError {
        let message = trimmed(result.errorMessage)
        let severity = result.diagnostic(.severity)
        guard let code = result.diagnostic(.state), severity != "FATAL", severity != "PANIC" else { throw giveUp(lossError(message)) }
        return .server(SQLState(code), message: message, constraint: result.diagnostic(.constraint))
    }

    /// Nothing can have been committed inside a transaction, nor before the last byte has left.
    private func lossError(_ reason: String) -> PostgresError {
        transactionDeadline != nil || !session.mayHaveSentAll ? .unavailable(reason) : .outcomeUnknown(reason)
    }

    /// A success that came with a warning about its commit is not one; see `NoticeLog`.
    private func throwCommitDoubt() throws(PostgresError) {
        guard transactionDeadline == nil, let doubt = session.notices.commitDoubt else { return }
        throw .outcomeUnknown(doubt)
    }

    private func giveUp(_ error: PostgresError) -> PostgresError {
        session.abandon()
        return error
    }
}
