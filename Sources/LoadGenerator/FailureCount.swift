/// How often which kind of failure came, by HTTP status.
package struct FailureCount: Sendable, Equatable, Encodable {
    /// Stands for a connection that broke before the answer.
    package static let connectionLost = 0
    /// Stands for an answer with the right status and a body that makes no sense.
    package static let unreadable = 1

    package private(set) var byStatus: [Int: Int] = [:]
    package var total: Int { byStatus.values.reduce(0, +) }

    package init() {}

    package mutating func add(status: Int, count: Int = 1) {
        byStatus[status, default: 0] += count
    }

    package mutating func add(_ other: FailureCount) {
        for (status, count) in other.byStatus { add(status: status, count: count) }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(Dictionary(uniqueKeysWithValues: byStatus.map { (Self.name(of: $0.key), $0.value) }))
    }

    static func name(of status: Int) -> String {
        switch status {
        case connectionLost: "connection lost"
        case unreadable: "unreadable"
        default: String(status)
        }
    }
}
