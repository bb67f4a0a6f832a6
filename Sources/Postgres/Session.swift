import CLibpq
import Glibc

/// Owns one PGconn: connects, sends, and waits for results, all without ever blocking past a deadline.
///
/// libpq's own waiting has no deadline, TCP's timeouts do not fire while a frozen server's kernel still acknowledges, and
/// PQcancel blocks as well. So the socket is non-blocking, poll(2) waits with our deadline, and a session that misses it is
/// given up: the socket is shut down, which needs nobody's help.
///
/// Source: libpq manual, "Asynchronous Command Processing" and "Pipeline Mode". One thread at a time, as libpq demands.
final class Session {
    private var handle: OpaquePointer?
    let notices = NoticeLog()

    /// Whether all that was sent has left this process. False is certain: the server cannot have seen the end of it.
    private(set) var mayHaveSentAll = true

    enum Failure: Error {
        case timedOut
        case lost(String)
    }

    private init(owning handle: OpaquePointer) {
        self.handle = handle
    }

    deinit {
        abandon()
    }

    /// Connects before `deadline`; host names are looked up by the C library, which knows no deadline.
    static func open(_ conninfo: String, before deadline: Deadline) throws(Failure) -> Session {
        guard let handle = connectStart(conninfo) else { throw .lost("out of memory") }
        let session = Session(owning: handle)
        guard PQstatus(handle) != CONNECTION_BAD else { throw .lost(session.errorMessage) }
        // The session owns the log and, until PQfinish, the PGconn: the pointer cannot dangle.
        PQsetNoticeReceiver(handle, receiveNotice, Unmanaged.passUnretained(session.notices).toOpaque())
        try session.finishConnecting(before: deadline)
        guard PQsetnonblocking(handle, 1) == 0 else { throw .lost(session.errorMessage) }
        return session
    }

    /// Gives the session up without a farewell; safe to call twice.
    func abandon() {
        guard let handle else { return }
        self.handle = nil
        let socket = PQsocket(handle)
        // PQfinish would otherwise try to flush to a server that may be frozen.
        if socket >= 0 { shutdown(socket, Int32(SHUT_RDWR)) }
        PQfinish(handle)
    }

    /// Ends the session politely; safe to call twice.
    func close() {
        guard let handle else { return }
        self.handle = nil
        PQfinish(handle)
    }

    var isUsable: Bool {
        guard let handle else { return false }
        return PQstatus(handle) == CONNECTION_OK
    }

    var isInTransaction: Bool {
        guard let handle else { return false }
        return PQtransactionStatus(handle) != PQTRANS_IDLE
    }

    var errorMessage: String {
        guard let handle, let message = PQerrorMessage(handle) else { return "the session is closed" }
        return trimmed(String(cString: message))
    }

    func enterPipeline() -> Bool { PQenterPipelineMode(handle) == 1 }
    func exitPipeline() -> Bool { PQexitPipelineMode(handle) == 1 }
    func sendSync() -> Bool { PQpipelineSync(handle) == 1 }
    func sendSimple(_ sql: String) -> Bool { PQsendQuery(handle, sql) == 1 }

    func sendPrepare(_ name: String, _ statement: PreparedStatement) -> Bool {
        let oids = statement.types.map(\.oid)
        return PQsendPrepare(handle, name, statement.sql, Int32(oids.count), oids) == 1
    }

    /// Queues a call of a prepared statement, asking for binary results.
    func sendCall(_ name: String, _ parameters: inout ParameterBuffer) -> Bool {
        parameters.withArguments { count, values, lengths, formats in
            PQsendQueryPrepared(handle, name, count, values, lengths, formats, 1) == 1
        }
    }

    /// Waits for the next result, sending what is still to be sent meanwhile; nil ends the results of one command.
    func nextResult(before deadline: Deadline) throws(Failure) -> QueryResult? {
        while true {
            let flushed = PQflush(handle)
            guard flushed >= 0 else { throw .lost(errorMessage) }
            // A failed write counts as flushed (libpq keeps the error for later), so only 1 is certain.
            mayHaveSentAll = flushed == 0
            if PQisBusy(handle) == 0 { return PQgetResult(handle).map { QueryResult(owning: $0) } }
            try awaitSocket(flushed == 0 ? POLLIN : POLLIN | POLLOUT, before: deadline)
            guard PQconsumeInput(handle) == 1 else { throw .lost(errorMessage) }
        }
    }

    /// Looks, without waiting, whether the server has hung up on this idle session.
    func hasBeenClosedByServer() -> Bool {
        guard let handle else { return true }
        var entry = pollfd(fd: PQsocket(handle), events: Int16(POLLIN), revents: 0)
        // Notices and changed parameters also arrive unasked. The farewell, a FATAL report, comes as a notice just before the end.
        while poll(&entry, 1, 0) > 0 {
            guard PQconsumeInput(handle) == 1, PQisBusy(handle) == 0, !notices.isFarewell else { return true }
        }
        return PQstatus(handle) != CONNECTION_OK
    }

    private func finishConnecting(before deadline: Deadline) throws(Failure) {
        var events = POLLOUT
        while true {
            try awaitSocket(events, before: deadline)
            switch PQconnectPoll(handle) {
            case PGRES_POLLING_OK: return
            case PGRES_POLLING_READING: events = POLLIN
            case PGRES_POLLING_WRITING: events = POLLOUT
            default: throw .lost(errorMessage)
            }
        }
    }

    private func awaitSocket(_ events: Int32, before deadline: Deadline) throws(Failure) {
        while true {
            // Asked for each time: while several hosts are tried, the socket changes.
            var entry = pollfd(fd: PQsocket(handle), events: Int16(events), revents: 0)
            switch poll(&entry, 1, deadline.remainingMilliseconds) {
            case 0: throw .timedOut
            case 1...: return
            default: if errno != EINTR { throw .lost("poll: errno \(errno)") }
            }
        }
    }
}

/// Text is UTF-8 whatever the database or the environment say.
private func connectStart(_ conninfo: String) -> OpaquePointer? {
    conninfo.withCString { conninfo in
        "dbname".withCString { database in
            "client_encoding".withCString { encoding in
                "UTF8".withCString { utf8 in
                    PQconnectStartParams([database, encoding, nil], [conninfo, utf8, nil], 1)
                }
            }
        }
    }
}

func trimmed(_ message: String) -> String {
    var text = message[...]
    while text.last?.isWhitespace == true { text.removeLast() }
    return String(text)
}
