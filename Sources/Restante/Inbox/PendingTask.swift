import Postgres

/// A task in the writer's hands: when its client stops waiting, and the message id that it keeps over retries.
struct PendingTask: Sendable {
    let task: WriterTask
    /// Seconds of uptime.
    let deadline: Double
    var messageId: Identifier?

    /// About how much memory it holds.
    var bytes: Int {
        guard case .send(let message, _) = task else { return 0 }
        return message.body.count + (message.deviceCiphertexts ?? []).reduce(0) { $0 + $1.text.count }
    }

    var isForGroup: Bool {
        if case .send(let message, _) = task, case .group = message.target { return true }
        return false
    }
}
