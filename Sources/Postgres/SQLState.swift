/// The five-character code by which PostgreSQL names an error.
///
/// Source: PostgreSQL manual, appendix A "PostgreSQL Error Codes".
package struct SQLState: Hashable, Sendable, CustomStringConvertible {
    package let code: String

    package init(_ code: String) {
        self.code = code
    }

    package static let warning = SQLState("01000")
    package static let connectionFailure = SQLState("08006")
    package static let invalidText = SQLState("22021")
    package static let notNullViolation = SQLState("23502")
    package static let foreignKeyViolation = SQLState("23503")
    package static let uniqueViolation = SQLState("23505")
    package static let checkViolation = SQLState("23514")
    package static let readOnlyTransaction = SQLState("25006")
    package static let serializationFailure = SQLState("40001")
    package static let deadlockDetected = SQLState("40P01")
    package static let syntaxError = SQLState("42601")
    package static let duplicateTable = SQLState("42P07")
    package static let undefinedTable = SQLState("42P01")
    package static let diskFull = SQLState("53100")
    package static let outOfMemory = SQLState("53200")
    package static let tooManyConnections = SQLState("53300")
    package static let lockNotAvailable = SQLState("55P03")
    package static let queryCanceled = SQLState("57014")
    package static let adminShutdown = SQLState("57P01")
    package static let crashShutdown = SQLState("57P02")
    package static let cannotConnectNow = SQLState("57P03")

    /// Whether the same transaction, run again from its start, may well succeed.
    package var isRetryable: Bool {
        self == .serializationFailure || self == .deadlockDetected
    }

    package var description: String { code }
}
