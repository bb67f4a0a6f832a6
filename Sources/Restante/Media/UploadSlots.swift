import Postgres
import Synchronization

/// How many uploads of each user are under way on this node: each takes disk that no quota has counted yet.
final class UploadSlots: Sendable {
    private let limit: Int
    private let taken = Mutex<[Identifier: Int]>([:])

    init(limit: Int) {
        self.limit = limit
    }

    func take(for userId: Identifier) throws(MediaError) {
        let isFree = taken.withLock { taken in
            guard taken[userId, default: 0] < limit else { return false }
            taken[userId, default: 0] += 1
            return true
        }
        guard isFree else { throw .tooManyAtOnce }
    }

    func giveBack(for userId: Identifier) {
        taken.withLock { taken in
            let left = taken[userId, default: 1] - 1
            taken[userId] = left > 0 ? left : nil
        }
    }
}
