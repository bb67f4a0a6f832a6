import Postgres

/// Several nodes on one database: NOTIFY, after COMMIT and on a session of its own, never inside a transaction that stores messages, where it would
/// make all commits wait for each other.
///
/// What this node could deliver to its own polls it tells nobody, so a busy fleet says little.
final class DatabaseWakeBus: WakeBus {
    private static let channel: StaticString = "restante_wake"
    /// So many ids keep a payload well below PostgreSQL's 8,000 bytes.
    private static let devicesPerPayload = 150

    private let node: Identifier
    private let notifier: Notifier
    private let listener: Listener

    /// - Parameters:
    ///   - heard: gets the events of the other nodes.
    ///   - resumed: called whenever events may have been missed.
    init(
        conninfo: String, node: Identifier, heard: @escaping @Sendable (WakeEvent) -> Void, resumed: @escaping @Sendable () -> Void
    ) {
        self.node = node
        notifier = Notifier(conninfo: conninfo, channel: Self.channel, settings: DatabaseSettings.ofHints, name: "notifier")
        listener = Listener(
            conninfo: conninfo, channel: Self.channel, settings: DatabaseSettings.ofHints, name: "listener",
            heard: { payload in
                guard let message = WakeMessage(payload), message.node != node else { return }
                heard(message.event)
            }, resumed: resumed)
    }

    func publish(_ event: WakeEvent) {
        for part in event.parts(of: Self.devicesPerPayload) { notifier.send(WakeMessage(node: node, event: part).payload) }
    }

    /// Whether other nodes are heard now.
    var isListening: Bool { listener.isListening }
    var statistics: Notifier.Statistics { notifier.statistics }

    func close() {
        notifier.close()
        listener.close()
    }
}
