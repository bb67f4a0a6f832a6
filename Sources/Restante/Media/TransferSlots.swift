import Postgres
import Synchronization

/// How many transfers of one kind each user has under way on this node: an upload takes disk that no quota has counted yet, a download memory.
final class TransferSlots: Sendable {
    private let limit: LimitName
    private let count: Int
    private let taken = Mutex<[Identifier: Int]>([:])

    /// A place that was taken; given back when nobody keeps it any more.
    final class Place: Sendable {
        private let slots: TransferSlots
        private let userId: Identifier

        fileprivate init(_ slots: TransferSlots, _ userId: Identifier) {
            self.slots = slots
            self.userId = userId
        }

        deinit {
            slots.giveBack(for: userId)
        }
    }

    init(_ limit: LimitName, of limits: LimitTable) {
        self.limit = limit
        count = limits[limit]
    }

    func take(for userId: Identifier) throws(MediaError) -> Place {
        let isFree = taken.withLock { taken in
            guard taken[userId, default: 0] < count else { return false }
            taken[userId, default: 0] += 1
            return true
        }
        guard isFree else { throw .tooManyAtOnce(limit) }
        return Place(self, userId)
    }

    private func giveBack(for userId: Identifier) {
        taken.withLock { taken in
            let left = taken[userId, default: 1] - 1
            taken[userId] = left > 0 ? left : nil
        }
    }
}
