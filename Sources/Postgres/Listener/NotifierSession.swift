/// A notifier's thread at work: keeps a session open and sends over it what has gathered. Lives on that thread only.
final class NotifierSession {
    private let conninfo: String
    private let channel: Channel
    private let settings: [String]
    private let backlog: Monitor<NotifierBacklog>
    private var connection: Connection?
    private var backoff = Backoff()
    /// When to try to open a session, or else to see whether the one there is still answers.
    private var nextStep = Deadline.now

    private static let connectSeconds = 1.0
    private static let pingInterval = 5.0
    private static let answerSeconds = 2.0
    private static let notify = Statement("notify", "SELECT pg_notify($1, payload) FROM unnest($2) AS payload")
    private static let ping = Statement("ping", "SELECT 1")

    init(conninfo: String, channel: Channel, settings: [String], backlog: Monitor<NotifierBacklog>) {
        self.conninfo = conninfo
        self.channel = channel
        // NOTIFY commits under a lock that the whole cluster shares; a hint has no reason to hold it until the disk has answered.
        self.settings = ["SET synchronous_commit = off"] + settings
        self.backlog = backlog
    }

    private enum Errand {
        case send([String])
        case connect
        case ping
        case leave
    }

    /// Serves until the backlog is closed, and then sends what is left if there is a session.
    func serve() {
        while true {
            switch nextErrand() {
            case .send(let batch): send(batch)
            case .connect: connect()
            case .ping: ping()
            case .leave:
                connection?.close()
                backlog.withLock { $0.finish($0.take(), isSent: false) }
                return
            }
        }
    }

    private func nextErrand() -> Errand {
        let isConnected = connection != nil
        let errand: Errand? = backlog.wait(until: { _ in nextStep }) { backlog in
            if isConnected, backlog.count > 0 { return .send(backlog.take()) }
            return backlog.isClosed ? .leave : nil
        }
        return errand ?? (isConnected ? .ping : .connect)
    }

    private func connect() {
        do {
            connection = try Connection.open(conninfo, settings: settings, within: NotifierSession.connectSeconds)
            nextStep = .after(seconds: NotifierSession.pingInterval)
        } catch {
            lose()
        }
    }

    /// A batch whose session was lost is sent again, even when it may have arrived: a hint that comes twice does no harm.
    private func send(_ batch: [String]) {
        let isSent = call(NotifierSession.notify, [.text(channel.name), .texts(batch)])
        backlog.withLock { backlog in
            if connection == nil { backlog.putBack(batch) } else { backlog.finish(batch, isSent: isSent) }
        }
    }

    private func ping() {
        _ = call(NotifierSession.ping, [])
    }

    /// Whether the server did it. When not, either it refused, or the session is gone and `connection` is nil.
    private func call(_ statement: Statement, _ parameters: [Parameter]) -> Bool {
        nextStep = .after(seconds: NotifierSession.pingInterval)
        guard let connection, !connection.hasBeenClosedByServer else {
            lose()
            return false
        }
        do {
            try connection.execute(statement, parameters, within: NotifierSession.answerSeconds)
            backoff.succeed()
            return true
        } catch {
            if connection.isBroken { lose() }
            return false
        }
    }

    private func lose() {
        connection?.close()
        connection = nil
        nextStep = .after(seconds: backoff.fail(random: .random(in: 0...1)))
    }
}
