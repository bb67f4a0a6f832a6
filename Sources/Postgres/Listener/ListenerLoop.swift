/// Does what the listener's machine decides. Lives on the listener's thread only.
final class ListenerLoop {
    private let conninfo: String
    private let preparation: String
    /// Heard by this session alone, so that its probes wake nobody else.
    private let probe = Channel.random()
    private let failure: Monitor<String?>
    private let closing: ClosingSignal
    private let heard: (String) -> Void
    private let resumed: () -> Void
    private var machine = ListenerMachine(now: .now)
    private var session: ListenerSession?

    /// A probe has no reason to wait for the disk, nor for a standby that may be down.
    private static let haste = "SET synchronous_commit = off"

    /// `failure` is kept at the reason why nothing is heard, and nil while the channel is.
    init(
        conninfo: String, channel: Channel, settings: [String], failure: Monitor<String?>, closing: ClosingSignal,
        heard: @escaping (String) -> Void, resumed: @escaping () -> Void
    ) {
        self.conninfo = conninfo
        self.failure = failure
        self.closing = closing
        self.heard = heard
        self.resumed = resumed
        // One transaction: what is true of the probe's channel is then true of the other.
        let own = ["SET client_encoding = 'UTF8'", ListenerLoop.haste]
        preparation = (own + settings + ["LISTEN \(channel.quoted)", "LISTEN \(probe.quoted)"]).joined(separator: "; ")
    }

    /// Listens until it is told to close.
    func run() {
        var action = machine.wait
        while let next = perform(action) { action = next }
        drop(because: "closed")
    }

    /// Gives back what to do next; nil when it was told to close.
    private func perform(_ action: ListenerMachine.Action) -> ListenerMachine.Action? {
        do throws(Interruption) {
            switch action {
            case .open(let deadline):
                try open(before: deadline)
                return machine.opened(now: .now)
            case .wait(let deadline):
                return try hear(before: deadline)
            case .probe:
                try session?.send("NOTIFY \(probe.quoted)")
            case .announce:
                failure.withLock { $0 = nil }
                resumed()
            case .drop(let reason):
                drop(because: reason)
            }
            return machine.wait
        } catch {
            switch error {
            case .closed: return nil
            case .timedOut: return machine.timeUp(now: .now, random: .random(in: 0...1))
            case .lost(let reason): return machine.fail(reason, now: .now, random: .random(in: 0...1))
            }
        }
    }

    private func open(before deadline: Deadline) throws(Interruption) {
        let session = try ListenerSession.open(conninfo, before: deadline, unless: closing)
        try session.run(preparation, before: deadline)
        let outside = try ListenerSession.open(conninfo, before: deadline, unless: closing)
        try outside.run("\(ListenerLoop.haste); NOTIFY \(probe.quoted)", before: deadline)
        self.session = session
    }

    /// One notification, or the wait for more. Deadlines are looked at only when there is nothing to read, so that a slow
    /// `heard` is not taken for a silent server.
    private func hear(before deadline: Deadline) throws(Interruption) -> ListenerMachine.Action {
        if let notification = session?.nextNotification() {
            if notification.channel == probe.name { return machine.probeReturned(now: .now) }
            heard(notification.payload)
            return machine.heard(now: .now)
        }
        if let session {
            try session.receive(before: deadline)
        } else {
            try closing.wait(for: -1, 0, before: deadline)
        }
        return machine.wait
    }

    private func drop(because reason: String) {
        session = nil
        failure.withLock { $0 = reason }
    }
}
