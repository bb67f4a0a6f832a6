import Postgres

/// A task in the writer's hands: when its client stops waiting, and the message id that it keeps over retries.
struct PendingTask: Sendable {
    let task: WriterTask
    /// Seconds of uptime.
    let deadline: Double
    var messageId: Identifier?

    var isForGroup: Bool {
        if case .send(let message, _) = task, case .group = message.target { return true }
        return false
    }
}
