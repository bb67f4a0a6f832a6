// How a wake-up reaches another process: LISTEN on one side, NOTIFY on the other.
//
// A notification is a hint. It is not kept for who is not connected, and a session that has died hears nothing and reports
// nothing. So the listener has a session that nobody else uses, proves with a probe from outside that it hears, probes it
// every five seconds, and opens another when one is lost; then whoever relies on it is told to look for himself,
// because nobody knows what was missed. Events come to the callbacks in this order, on the listener's thread:
//
//     resumed  heard heard …  [session lost]  resumed  heard …
//
// A few of the new session's notifications may come before its `resumed`, while the first probe is under way.
//
// Source: PostgreSQL manual, "LISTEN" and "NOTIFY".

/// Hears NOTIFY on one channel, on a session and thread of its own that never gives up.
///
/// A dead server is noticed at once when it hangs up, and within 7 s when it freezes; a new session is tried after a pause of
/// at most a second. The session must lead straight to PostgreSQL, not through a pooler that lends out sessions by the transaction:
/// through one of those it never says that it listens. Every connection takes a second session for a moment.
package final class Listener: Sendable {
    private let thread: DedicatedThread
    private let closing: ClosingSignal
    /// Nil while the channel is heard.
    private let reason: Monitor<String?>

    /// Starts listening in the background.
    ///
    /// `heard` gets each payload, in the order of the senders' commits; `resumed` is called after every (re)connection that
    /// listens again, also the first, since whatever was sent meanwhile was missed. Both run on the listener's thread and
    /// should be quick: while they run nothing is read. `settings` are whole SET statements.
    package init(
        conninfo: String, channel: StaticString, settings: [String] = [], name: String,
        heard: @escaping @Sendable (String) -> Void, resumed: @escaping @Sendable () -> Void
    ) {
        let closing = ClosingSignal()
        let reason = Monitor<String?>("not connected yet")
        let channel = Channel(channel)
        self.closing = closing
        self.reason = reason
        thread = DedicatedThread(name: name) {
            ListenerLoop(
                conninfo: conninfo, channel: channel, settings: settings, failure: reason, closing: closing,
                heard: heard, resumed: resumed
            ).run()
        }
    }

    deinit {
        close()
    }

    /// Whether the session has heard itself, and has not been found dead since.
    package var isListening: Bool { failure == nil }

    /// Why nothing is heard; nil while the channel is. For the log.
    package var failure: String? { reason.withLock { $0 } }

    /// Ends the session and joins the thread, at once unless a callback runs or a host name is being looked up. Safe to call twice.
    package func close() {
        closing.give()
        thread.join()
    }
}
