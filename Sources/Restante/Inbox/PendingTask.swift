import Postgres

/// A task in the writer's hands: when its client stops waiting, and the message id that it keeps over retries.
struct PendingTask: Sendable {
    let task: WriterTask
    /// Seconds of uptime.
    let deadline: Double
    var messageId: Identifier?

    /// About how many rows it writes, for the size of a batch.
    var weight: Int {
        switch task {
        // A message to a group is as many rows as there are devices in it, which only the database knows.
        case .send: isForGroup ? 32 : 2
        case .visit(let visit, _): 1 + visit.acknowledge.count
        }
    }

    var isForGroup: Bool {
        if case .send(let message, _) = task, case .group = message.target { return true }
        return false
    }
}
