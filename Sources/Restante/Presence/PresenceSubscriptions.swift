import Postgres

/// Which devices want to know of whose coming and going, and whom of them has to be told.
///
/// A user that turned is noted for each device that watches them; what such a device is told is what holds when its turn comes, and nothing where that is
/// what it was told last. So however many users turn, and however often, no more is waiting than there are subscriptions, and it is told in portions.
struct PresenceSubscriptions {
    typealias Tick = PresenceBoard.Tick

    /// One device is to be told what holds of one user, if its own user may know.
    struct Notice: Equatable {
        let deviceId: Identifier
        let watcherId: Identifier
        let userId: Identifier
        let isOnline: Bool
    }

    private struct Subscription {
        let watcherId: Identifier
        let ends: Tick
        /// What the device takes each user to be.
        var told: [Identifier: Bool]
    }
    private struct Pair: Hashable {
        let deviceId: Identifier
        let userId: Identifier
    }

    private var subscriptions: [Identifier: Subscription] = [:]
    private var watchers: [Identifier: Set<Identifier>] = [:]
    private var waiting: Set<Pair> = []
    /// Those of `waiting` in their order; those before `next` had their turn.
    private var line: [Pair] = []
    private var next = 0

    /// The device watches these users, and only these, from now on. `users` says what each is now.
    mutating func set(_ session: Session, _ users: [Identifier: Bool], until ends: Tick) {
        remove(session.deviceId)
        guard !users.isEmpty else { return }
        subscriptions[session.deviceId] = Subscription(watcherId: session.userId, ends: ends, told: users)
        for userId in users.keys { watchers[userId, default: []].insert(session.deviceId) }
    }

    mutating func remove(_ deviceId: Identifier) {
        guard let subscription = subscriptions.removeValue(forKey: deviceId) else { return }
        for userId in subscription.told.keys {
            watchers[userId]?.remove(deviceId)
            if watchers[userId]?.isEmpty == true { watchers[userId] = nil }
        }
    }

    /// Lets go of subscriptions that have ended.
    mutating func expire(at now: Tick) {
        for (deviceId, subscription) in subscriptions where subscription.ends <= now { remove(deviceId) }
    }

    mutating func turned(_ userId: Identifier) {
        for deviceId in watchers[userId] ?? [] { wait(Pair(deviceId: deviceId, userId: userId)) }
    }

    /// Takes up to `most` notices that say something new; what they say counts as told.
    mutating func take(_ most: Int, at now: Tick, isOnline: (Identifier) -> Bool) -> [Notice] {
        var notices: [Notice] = []
        while next < line.count, notices.count < most {
            let pair = line[next]
            next += 1
            waiting.remove(pair)
            if let notice = tell(pair, at: now, isOnline: isOnline) { notices.append(notice) }
        }
        // Half of the line at a time, so that each pair is moved about once.
        if next * 2 > line.count {
            line.removeFirst(next)
            next = 0
        }
        return notices
    }

    /// These could not be told after all; they have another turn.
    mutating func retry(_ notices: [Notice]) {
        for notice in notices where subscriptions[notice.deviceId]?.told[notice.userId] == notice.isOnline {
            subscriptions[notice.deviceId]?.told[notice.userId] = !notice.isOnline
            wait(Pair(deviceId: notice.deviceId, userId: notice.userId))
        }
    }

    private mutating func tell(_ pair: Pair, at now: Tick, isOnline: (Identifier) -> Bool) -> Notice? {
        guard let ends = subscriptions[pair.deviceId]?.ends, ends > now, let watcherId = subscriptions[pair.deviceId]?.watcherId,
            let told = subscriptions[pair.deviceId]?.told[pair.userId]
        else { return nil }
        let isOnline = isOnline(pair.userId)
        guard told != isOnline else { return nil }
        subscriptions[pair.deviceId]?.told[pair.userId] = isOnline
        return Notice(deviceId: pair.deviceId, watcherId: watcherId, userId: pair.userId, isOnline: isOnline)
    }

    private mutating func wait(_ pair: Pair) {
        if waiting.insert(pair).inserted { line.append(pair) }
    }
}
