import CLibpq
import Glibc

/// What NOTIFY sent.
struct Notification {
    let channel: String
    let payload: String
}

/// Owns the PGconn of a listener. Unlike `Session`, which waits for answers, it waits for what comes unasked, and every wait
/// ends when the listener closes.
///
/// Source: libpq manual, "Asynchronous Notification". One thread at a time, as libpq demands.
final class ListenerSession {
    private let handle: OpaquePointer
    private let closing: ClosingSignal

    private init(owning handle: OpaquePointer, _ closing: ClosingSignal) {
        self.handle = handle
        self.closing = closing
    }

    deinit {
        // The farewell is not waited for: the session is non-blocking.
        PQfinish(handle)
    }

    /// Connects; host names are looked up by the C library, which knows neither deadline nor closing.
    static func open(_ conninfo: String, before deadline: Deadline, unless closing: ClosingSignal) throws(Interruption) -> ListenerSession {
        guard let handle = PQconnectStart(conninfo) else { throw .lost("out of memory") }
        let session = ListenerSession(owning: handle, closing)
        guard PQstatus(handle) != CONNECTION_BAD else { throw session.loss }
        // Without a log to write to, notices go nowhere: not to standard error, which is libpq's default.
        PQsetNoticeReceiver(handle, receiveNotice, nil)
        try session.finishConnecting(before: deadline)
        guard PQsetnonblocking(handle, 1) == 0 else { throw session.loss }
        return session
    }

    /// Runs SQL that may hold several statements, and waits until all are done.
    func run(_ sql: String, before deadline: Deadline) throws(Interruption) {
        try send(sql)
        while PQtransactionStatus(handle) == PQTRANS_ACTIVE { try receive(before: deadline) }
    }

    /// Sends SQL; `receive` then meets the answer. The last answer must have come.
    func send(_ sql: String) throws(Interruption) {
        guard PQsendQuery(handle, sql) == 1 else { throw loss }
    }

    /// Waits until something comes, and takes it in: notifications are kept for `nextNotification`, an error is a loss.
    func receive(before deadline: Deadline) throws(Interruption) {
        let flushed = PQflush(handle)
        guard flushed >= 0 else { throw loss }
        try closing.wait(for: PQsocket(handle), flushed == 0 ? POLLIN : POLLIN | POLLOUT, before: deadline)
        guard PQconsumeInput(handle) == 1 else { throw loss }
        while PQisBusy(handle) == 0, let result = PQgetResult(handle).map({ QueryResult(owning: $0) }) {
            switch result.status {
            case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY: continue
            default: throw .lost(trimmed(result.errorMessage))
            }
        }
        // A session lost while an answer was awaited has no socket left that poll(2) could report.
        guard PQstatus(handle) == CONNECTION_OK else { throw loss }
    }

    /// The next of those that have come, in the order in which they were committed.
    func nextNotification() -> Notification? {
        guard let notification = PQnotifies(handle) else { return nil }
        defer { PQfreemem(notification) }
        return Notification(
            channel: String(cString: notification.pointee.relname), payload: String(cString: notification.pointee.extra))
    }

    private func finishConnecting(before deadline: Deadline) throws(Interruption) {
        var events = POLLOUT
        while true {
            // Asked for each time: while several hosts are tried, the socket changes.
            try closing.wait(for: PQsocket(handle), events, before: deadline)
            switch PQconnectPoll(handle) {
            case PGRES_POLLING_OK: return
            case PGRES_POLLING_READING: events = POLLIN
            case PGRES_POLLING_WRITING: events = POLLOUT
            default: throw loss
            }
        }
    }

    private var loss: Interruption {
        .lost(PQerrorMessage(handle).map { trimmed(String(cString: $0)) } ?? "no reason given")
    }
}
