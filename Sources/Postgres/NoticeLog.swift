import CLibpq

/// The warnings that the server sent while a call was under way.
///
/// They matter for one reason. A commit that waits for a synchronous standby and is cancelled, or whose backend is told to
/// end, *succeeds* with a WARNING (01000 or 57P01): it is on this server's disk but on no standby, and may be gone after a
/// failover. Such a success is not one.
///
/// Source: `SyncRepWaitForLSN` in `src/backend/replication/syncrep.c`.
final class NoticeLog {
    private(set) var warnings: [String] = []
    private(set) var commitDoubt: String?
    /// Whether the server has said, unasked, that it ends the session.
    private(set) var isFarewell = false

    /// More than these are not kept; a function that warns in a loop must not fill memory.
    private static let capacity = 16

    func clear() {
        guard !warnings.isEmpty else { return }
        warnings.removeAll()
        commitDoubt = nil
    }

    func record(severity: String, state: SQLState, message: String) {
        if severity == "FATAL" || severity == "PANIC" { isFarewell = true }
        guard severity == "WARNING" else { return }
        if state == .warning || state == .adminShutdown { commitDoubt = message }
        if warnings.count < NoticeLog.capacity { warnings.append("\(state) \(message)") }
    }
}

/// libpq's notice receiver; `log` is the `NoticeLog` whose session owns it and outlives the PGconn. The result is libpq's own.
///
/// Source: libpq manual, "Notice Processing".
func receiveNotice(log: UnsafeMutableRawPointer?, result: OpaquePointer?) {
    guard let log, let result else { return }
    func text(_ field: DiagnosticField) -> String {
        PQresultErrorField(result, field.rawValue).map { String(cString: $0) } ?? ""
    }
    Unmanaged<NoticeLog>.fromOpaque(log).takeUnretainedValue()
        .record(severity: text(.severity), state: SQLState(text(.state)), message: text(.message))
}

/// The fields of a report that are read here. libpq's `PG_DIAG_` macros are characters, which Swift does not import.
enum DiagnosticField: Int32 {
    /// ERROR, FATAL, PANIC, WARNING, … whatever the server's language.
    case severity = 86  // 'V'
    case state = 67  // 'C'
    case message = 77  // 'M'
    case constraint = 110  // 'n'
}
