/// Sends payloads on one channel, after the fact and from any thread.
///
/// A thread and session of its own send whatever has gathered while the last round trip ran, all of it in one transaction and in
/// order: NOTIFY commits under a lock that the whole cluster shares, so few and large commits are what it can bear.
///
/// A notification is a hint and nothing more. While the server cannot be reached the newest payloads wait, up to `capacity`, and
/// older ones are dropped; what was under way when a session was lost is sent again and may come twice; payloads that
/// are equal may come as one. Nobody is told: `statistics` counts.
package final class Notifier: Sendable {
    /// A moment's counts, for metrics.
    package struct Statistics: Sendable, Equatable {
        package let waiting: Int
        /// Since the start: payloads that the server committed.
        package let sent: Int
        /// Since the start: payloads that were refused, displaced by newer ones, or left at the end.
        package let dropped: Int
    }

    private let backlog: Monitor<NotifierBacklog>
    private let thread: DedicatedThread

    /// Opens its session in the background. `settings` are whole SET statements.
    package init(conninfo: String, channel: StaticString, settings: [String] = [], name: String, capacity: Int = 1000) {
        // A constant of this program's.
        precondition(capacity > 0, "a notifier needs room for one payload")
        let backlog = Monitor(NotifierBacklog(capacity: capacity))
        let channel = Channel(channel)
        self.backlog = backlog
        thread = DedicatedThread(name: name) {
            NotifierSession(conninfo: conninfo, channel: channel, settings: settings, backlog: backlog).serve()
        }
    }

    deinit {
        close()
    }

    /// Leaves a payload to be sent, and never blocks. One of more than 7,900 bytes, or with a NUL in it, is dropped: neither
    /// could ever be sent, and it would take the others of its transaction with it.
    package func send(_ payload: String) {
        if backlog.withLock({ $0.add(payload) }) { backlog.signal() }
    }

    package var statistics: Statistics {
        backlog.withLock { Statistics(waiting: $0.count, sent: $0.sent, dropped: $0.dropped) }
    }

    /// Sends what is left, if there is a session, and joins the thread: 4 s at most, for two round trips. Safe to call twice.
    package func close() {
        backlog.withLock { $0.close() }
        backlog.signal()
        thread.join()
    }
}
