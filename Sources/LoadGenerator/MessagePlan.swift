/// How messages are to be sent.
package struct MessagePlan: Sendable {
    package enum Pace: Sendable {
        /// So many a second, come what may.
        case rate(Double)
        /// So many at any time between their send and their receipt.
        case underWay(Int)
    }

    package var pace: Pace
    package var seconds: Double
    /// Load before the measured seconds that enters no result.
    package var warmUpSeconds: Double
    /// Connections that sends may use at the same time.
    package var connections: Int
    package var seed: UInt64

    package init(pace: Pace, seconds: Double, warmUpSeconds: Double, connections: Int, seed: UInt64) {
        self.pace = pace
        self.seconds = seconds
        self.warmUpSeconds = warmUpSeconds
        self.connections = connections
        self.seed = seed
    }

    /// One thread's share of the load.
    package func share(of threads: Int, index: Int) -> MessagePlan {
        var share = self
        share.connections = max(1, connections / threads)
        share.seed = seed &+ UInt64(index) &* 0x1_0000_0001
        share.pace =
            switch pace {
            case .rate(let rate): .rate(rate / Double(threads))
            case .underWay(let count): .underWay(max(1, count / threads))
            }
        return share
    }
}
