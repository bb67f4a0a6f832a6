import Synchronization

/// A server's numbers at one moment.
package struct ServerStatistics: Sendable, Equatable {
    /// Connections that are open.
    package let connections: Int
    /// Exchanges that are held for a later answer.
    package let suspended: Int
    /// Connections refused since the start because there were too many.
    package let refused: Int
}

/// The counts all workers share, and the most connections there may be.
final class ConnectionCounts: Sendable {
    let limit: Int
    private let connections = Atomic<Int>(0)
    private let suspended = Atomic<Int>(0)
    private let refused = Atomic<Int>(0)

    init(limit: Int) {
        self.limit = limit
    }

    /// Counts a connection in, unless there are as many as there may be.
    func admit() -> Bool {
        let before = connections.add(1, ordering: .relaxed).oldValue
        if before < limit { return true }
        connections.subtract(1, ordering: .relaxed)
        refused.add(1, ordering: .relaxed)
        return false
    }

    func noteRefused() { refused.add(1, ordering: .relaxed) }
    func noteClosed() { connections.subtract(1, ordering: .relaxed) }
    func noteSuspended() { suspended.add(1, ordering: .relaxed) }
    func noteResumed() { suspended.subtract(1, ordering: .relaxed) }

    var statistics: ServerStatistics {
        ServerStatistics(
            connections: connections.load(ordering: .relaxed),
            suspended: suspended.load(ordering: .relaxed),
            refused: refused.load(ordering: .relaxed))
    }
}
