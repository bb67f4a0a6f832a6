import Postgres

/// About how many rows each task writes, for the size of a batch. Belongs to one writer's thread.
///
/// A message to a group is as many rows as there are devices in it, which only the database knows; so what the last one came to is remembered.
struct BatchWeights {
    /// For a group of which nothing is known yet.
    static let unknownGroup = 32
    /// Of a search nothing is known: it may go through a whole inbox.
    static let search = 50
    private static let mostGroups = 10_000

    private var groups: [Identifier: Int] = [:]

    func rows(of task: PendingTask) -> Int {
        switch task.task {
        case .send(let message, _):
            // Texts for one device each are as many as there are, and may be long.
            if let ciphertexts = message.deviceCiphertexts { return 1 + ciphertexts.count + task.bytes / 4096 }
            guard case .group(let group) = message.target else { return 2 }
            return groups[group] ?? Self.unknownGroup
        case .visit(let visit, _): return visit.isSearch ? Self.search : 1 + visit.acknowledge.count
        }
    }

    mutating func learn(from committed: CommittedBatch) {
        let toGroups = committed.sends.compactMap { send -> (group: Identifier, messageId: Identifier)? in
            guard case .group(let group) = send.message.target, case .sent(let messageId) = send.outcome else { return nil }
            return (group, messageId)
        }
        guard !toGroups.isEmpty else { return }
        let copies = committed.deliveries.reduce(into: [Identifier: Int]()) { $0[$1.item.messageId, default: 0] += 1 }
        // Forgetting them all is rare, and costs one batch each.
        if groups.count + toGroups.count > Self.mostGroups { groups = [:] }
        for (group, messageId) in toGroups { groups[group] = max(1, copies[messageId] ?? 0) }
    }
}
