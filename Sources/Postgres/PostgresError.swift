/// Why a call to PostgreSQL gave no answer.
///
/// Messages are for the log: they may name hosts, tables and keys, and never go to a client.
package enum PostgresError: Error, Sendable, Equatable {
    /// No session could be had, or it was lost before anything could have been committed.
    case unavailable(String)
    /// The deadline passed and the session was given up. What had been sent may still be committed by the server,
    /// unless it was part of a `transaction`, whose COMMIT was then never sent.
    case timedOut
    /// The session was lost, or the server warned, while a commit was under way: the rows may or may not be there.
    case outcomeUnknown(String)
    /// The server refused a statement; its whole transaction is undone and the session remains usable.
    case server(SQLState, message: String, constraint: String?)
    /// The pool's line is full, or the call stood in it for too long. Nothing was sent.
    case tooManyWaiting
    /// A result does not hold what the caller reads from it.
    case decoding(String)
    /// A call that this side should never have made.
    case misuse(String)

    /// The code the server gave, if the server gave one.
    package var state: SQLState? {
        if case .server(let state, _, _) = self { return state }
        return nil
    }

    /// Whether the effect of the failed call may nevertheless be in the database.
    package var mayHaveCommitted: Bool {
        switch self {
        case .timedOut, .outcomeUnknown: true
        case .unavailable, .server, .tooManyWaiting, .decoding, .misuse: false
        }
    }
}

/// One line, for the log. What the server adds to its message (DETAIL: the row that it refused) holds what users wrote, and is left out.
extension PostgresError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unavailable(let reason): "unavailable: \(Self.oneLine(reason))"
        case .timedOut: "timedOut"
        case .outcomeUnknown(let reason): "outcomeUnknown: \(Self.firstLine(reason))"
        case .server(let state, let message, let constraint):
            "server \(state): \(Self.firstLine(message))" + (constraint.map { " (\($0))" } ?? "")
        case .tooManyWaiting: "tooManyWaiting"
        case .decoding(let reason): "decoding: \(reason)"
        case .misuse(let reason): "misuse: \(reason)"
        }
    }

    private static func firstLine(_ text: String) -> Substring { text.prefix { !$0.isNewline } }
    private static func oneLine(_ text: String) -> String { String(text.map { $0.isNewline ? " " : $0 }) }
}
