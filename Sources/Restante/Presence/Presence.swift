import Dispatch
import JSON
import Postgres
import Synchronization

/// Who is present: the shell of `PresenceBoard` and `PresenceSubscriptions`, with their locks and their clock.
///
/// A request comes here once, by `note`: one lock of 32, chosen by user, one look into a table, nothing else. Everything that follows happens five times
/// a second on a thread of its own, a portion at a time: one query says which watchers may know of what has changed, one write goes to the database.
/// What is left over waits for the next turn.
final class Presence: Sendable {
    typealias Tick = PresenceBoard.Tick

    /// Of watchers told, and of users written, in one turn.
    private static let portion = 1000
    private static let turnMilliseconds = 200

    private final class Slot: Sendable {
        let board: Mutex<PresenceBoard>
        init(at tick: Tick) { board = Mutex(PresenceBoard(at: tick)) }
    }
    /// What goes to the database: one write at a time.
    private struct Backlog {
        var seen: [Identifier: Timestamp] = [:]
        var isWriting = false
    }

    private let slots: [Slot]
    private let subscriptions = Mutex(PresenceSubscriptions())
    private let isTelling = Atomic<Bool>(false)
    private let backlog = Mutex(Backlog())
    private let store: PresenceStore
    private let bus = Mutex<any WakeBus>(ProcessWakeBus())
    private let show = Mutex<@Sendable (_ item: [UInt8], _ devices: [Identifier]) -> Void>({ _, _ in })
    private let isClosed = Atomic<Bool>(false)
    private let bell = DispatchSemaphore(value: 0)
    private let thread = Mutex<DedicatedThread?>(nil)

    init(store: PresenceStore) {
        self.store = store
        let now = Self.now()
        slots = (0..<32).map { _ in Slot(at: now) }
    }

    /// Starts the clock.
    ///
    /// - Parameter show: brings an ephemeral item to devices, wherever they poll.
    func start(show: @escaping @Sendable (_ item: [UInt8], _ devices: [Identifier]) -> Void) {
        self.show.withLock { $0 = show }
        thread.withLock { $0 = DedicatedThread(name: "presence") { [self] in keepTime() } }
    }

    /// Tells other nodes, too, from now on.
    func join(_ bus: any WakeBus) {
        self.bus.withLock { $0 = bus }
    }

    /// Notes a sign of life.
    func note(_ session: Session) {
        let now = Self.now()
        slot(session.userId).board.withLock { $0.sign(of: session.userId, at: now) }
    }

    /// Lets a device watch these users, and only these, for so many seconds.
    func subscribe(_ session: Session, to users: [Identifier], seconds: Int) {
        let now = Self.now()
        subscriptions.withLock { subscriptions in
            let states = users.map { ($0, isOnline($0, at: now)) }
            subscriptions.set(session, Dictionary(states) { first, _ in first }, until: now + Tick(seconds) * 10)
        }
        // What the device asked of another node holds no longer.
        publish(.subscribed(session.deviceId))
    }

    /// Those of these users whose last seen the asking one may know.
    func find(_ users: [Identifier], for asking: Identifier) async throws -> [LastSeen] {
        let found = try await store.find(users, for: asking)
        let (now, time) = (Self.now(), Timestamp.now())
        return found.map { userId, stored in
            let status = slot(userId).board.withLock { $0.status(of: userId, at: now) }
            let seen = status.map { Self.time(of: $0.seen, when: now, is: time) }
            return LastSeen(userId: userId, isOnline: status?.isOnline ?? false, at: max(stored, seen ?? stored))
        }
    }

    /// Does what another node has told.
    func hear(_ event: WakeEvent) {
        let now = Self.now()
        switch event {
        case .present(let users): for userId in users { slot(userId).board.withLock { $0.hear(present: userId, at: now) } }
        case .absent(let users): for userId in users { slot(userId).board.withLock { $0.hear(absent: userId, at: now) } }
        case .subscribed(let deviceId): forget([deviceId])
        case .revoked(let devices): forget(devices)
        default: break
        }
    }

    /// Forgets what devices that are no more wanted to know.
    func forget(_ devices: [Identifier]) {
        subscriptions.withLock { subscriptions in
            for deviceId in devices { subscriptions.remove(deviceId) }
        }
    }

    /// Stops the clock and has the database know what memory knows, if it takes it within two seconds.
    func close() {
        isClosed.store(true, ordering: .relaxed)
        bell.signal()
        thread.withLock { thread in
            thread?.join()
            thread = nil
        }
        let (now, time) = (Self.now(), Timestamp.now())
        for slot in slots { keep(slot.board.withLock { $0.unwritten() }, when: now, is: time) }
        let deadline = Uptime.seconds() + 2
        while Uptime.seconds() < deadline, backlog.withLock({ $0.isWriting || !$0.seen.isEmpty }) {
            write()
            _ = bell.wait(timeout: .now() + .milliseconds(10))
        }
    }
}

extension Presence {
    private static func now() -> Tick { Uptime.nanoseconds() / 100_000_000 }

    private static func time(of seen: Tick, when now: Tick, is time: Timestamp) -> Timestamp {
        Timestamp(milliseconds: time.milliseconds - Int64(now - min(seen, now)) * 100)
    }

    private func slot(_ userId: Identifier) -> Slot {
        slots[Int(truncatingIfNeeded: userId.low & 31)]
    }

    private func isOnline(_ userId: Identifier, at now: Tick) -> Bool {
        slot(userId).board.withLock { $0.status(of: userId, at: now)?.isOnline ?? false }
    }

    private func publish(_ event: WakeEvent) {
        bus.withLock { $0 }.publish(event)
    }

    private func keepTime() {
        var turns = 0
        while !isClosed.load(ordering: .relaxed) {
            _ = bell.wait(timeout: .now() + .milliseconds(Self.turnMilliseconds))
            turn()
            turns += 1
            if turns % 50 == 0 { subscriptions.withLock { $0.expire(at: Self.now()) } }
        }
    }

    private func turn() {
        let (now, time) = (Self.now(), Timestamp.now())
        var (announced, withdrawn): ([Identifier], [Identifier]) = ([], [])
        for slot in slots {
            let actions = slot.board.withLock { $0.pass(to: now) }
            announced += actions.announced
            withdrawn += actions.withdrawn
            keep(actions.writes, when: now, is: time)
            if actions.turned.isEmpty { continue }
            subscriptions.withLock { subscriptions in
                for userId in actions.turned { subscriptions.turned(userId) }
            }
        }
        if !announced.isEmpty { publish(.present(announced)) }
        if !withdrawn.isEmpty { publish(.absent(withdrawn)) }
        tell(at: now)
        write()
    }

    private func keep(_ seen: [(userId: Identifier, seen: Tick)], when now: Tick, is time: Timestamp) {
        guard !seen.isEmpty else { return }
        backlog.withLock { backlog in
            for (userId, seen) in seen { backlog.seen[userId] = Self.time(of: seen, when: now, is: time) }
        }
    }

    private func write() {
        let portion = backlog.withLock { backlog -> [Identifier: Timestamp]? in
            guard !backlog.isWriting, !backlog.seen.isEmpty else { return nil }
            let portion = Dictionary(uniqueKeysWithValues: backlog.seen.prefix(Self.portion).map { ($0.key, $0.value) })
            for userId in portion.keys { backlog.seen[userId] = nil }
            backlog.isWriting = true
            return portion
        }
        guard let portion else { return }
        store.write(portion) { [self] isWritten in
            backlog.withLock { backlog in
                backlog.isWriting = false
                if !isWritten { backlog.seen.merge(portion) { newer, _ in newer } }
            }
        }
    }

    private func tell(at now: Tick) {
        guard !isTelling.load(ordering: .acquiring) else { return }
        let notices = subscriptions.withLock { $0.take(Self.portion, at: now) { isOnline($0, at: now) } }
        guard !notices.isEmpty else { return }
        isTelling.store(true, ordering: .releasing)
        store.filter(notices) { [self] allowed in
            switch allowed {
            case .success(let allowed): deliver(allowed)
            case .failure: subscriptions.withLock { $0.retry(notices) }
            }
            isTelling.store(false, ordering: .releasing)
        }
    }

    private func deliver(_ notices: [PresenceSubscriptions.Notice]) {
        let (now, time) = (Self.now(), Timestamp.now())
        let show = show.withLock { $0 }
        for (userId, notices) in Dictionary(grouping: notices, by: \.userId) {
            guard let status = slot(userId).board.withLock({ $0.status(of: userId, at: now) }), let isOnline = notices.first?.isOnline else {
                continue
            }
            let item = LastSeen(userId: userId, isOnline: isOnline, at: Self.time(of: status.seen, when: now, is: time)).ephemeralItem
            show(item, notices.map(\.deviceId))
        }
    }
}
