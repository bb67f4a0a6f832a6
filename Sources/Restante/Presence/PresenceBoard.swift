import Postgres

/// Who is present, without lock, clock or database.
///
/// A user is present for 35 s after the last sign of life of any of their devices. A sign is any request; a held poll gives one whenever it looks into
/// the database, every 10 to 15 s, and one when it ends. A sign costs one look into a table; all else waits for the user's timer.
///
/// Between nodes. A node announces the users that are present with it, when they come and every 25 s from then on, and takes the word back when they go.
/// A word that is not renewed is good for 60 s, so a node's death leaves nobody present for longer, and a word that got lost heals by itself. Whoever
/// hears a word taken back for a user that is present here contradicts at once; until that may have come, nobody believes it.
///
/// What has to be done about it all gathers in `Actions`, which the shell takes several times a second. So a user who goes and comes within that time
/// causes nothing, and a thousand that come together cause one batch.
struct PresenceBoard {
    /// Tenths of a second of uptime.
    typealias Tick = UInt64

    /// What is to be done.
    struct Actions {
        /// Users that came or went; who watches them is to be told what holds now.
        var turned: [Identifier] = []
        /// When these were last seen, for the database: of one user once a minute at most.
        var writes: [(userId: Identifier, seen: Tick)] = []
        /// Other nodes are to know that these are present here, or are no more.
        var announced: [Identifier] = []
        var withdrawn: [Identifier] = []
    }

    struct Status: Equatable {
        let isOnline: Bool
        let seen: Tick
    }

    static let presentTicks: Tick = 350
    static let wordTicks: Tick = 600
    static let doubtTicks: Tick = 20
    static let announceTicks: ClosedRange<Tick> = 200...250
    static let writeTicks: Tick = 600
    /// How long a user who went is remembered: until then the database has it, whoever wrote it.
    static let memoryTicks: Tick = 1200
    /// Longer than any timer is set ahead, but the last.
    private static let horizon = 1024

    private struct Entry {
        /// The last sign of life here; 0 for none.
        var sign: Tick = 0
        /// When another node's word was last good, and until when it is.
        var word: Tick = 0
        var wordEnds: Tick = 0
        /// What those who watch are told.
        var isOnline = false
        /// When the next announcement is due; 0 where none has been made, or the last was taken back.
        var announceAt: Tick = 0
        /// The sign that the database has, and when it was written.
        var written: Tick = 0
        var writtenAt: Tick = 0
        var timer = Tick.max

        func isHere(at now: Tick) -> Bool { sign > 0 && sign + PresenceBoard.presentTicks > now }
        func isOnline(at now: Tick) -> Bool { isHere(at: now) || wordEnds > now }
        var seen: Tick { max(sign, word) }

        /// False where more has to be done about this sign than to note it.
        mutating func renew(at now: Tick) -> Bool {
            guard isHere(at: now) else { return false }
            sign = max(sign, now)
            return true
        }
    }

    private var entries: [Identifier: Entry] = [:]
    private var wheel: TimerWheel<Identifier>
    private var actions = Actions()

    init(at now: Tick) {
        wheel = TimerWheel(horizon: Self.horizon, at: now)
    }

    /// A sign of life of one of the user's devices, here.
    mutating func sign(of userId: Identifier, at now: Tick) {
        if entries[userId]?.renew(at: now) != true { change(userId, at: now) { $0.sign = now } }
    }

    /// Another node's word that the user is present there.
    mutating func hear(present userId: Identifier, at now: Tick) {
        change(userId, at: now) { entry in
            entry.word = now
            entry.wordEnds = now + Self.wordTicks
        }
    }

    /// Another node has taken its word back.
    mutating func hear(absent userId: Identifier, at now: Tick) {
        guard entries[userId] != nil else { return }
        change(userId, at: now) { entry in
            // Somewhere there was a sign no later than this; a third node may still know better.
            if now > Self.presentTicks { entry.word = max(entry.word, now - Self.presentTicks) }
            entry.wordEnds = min(entry.wordEnds, now + Self.doubtTicks)
            if entry.isHere(at: now) { entry.announceAt = now }
        }
    }

    /// Nil for a user of whom nothing was heard for long.
    func status(of userId: Identifier, at now: Tick) -> Status? {
        entries[userId].map { Status(isOnline: $0.isOnline(at: now), seen: $0.seen) }
    }

    /// Lets the timers ring that are due, and hands over what is to be done since the last time.
    mutating func pass(to now: Tick) -> Actions {
        for userId in wheel.advance(to: now) {
            guard let timer = entries[userId]?.timer, timer <= now else { continue }
            change(userId, at: now) { $0.timer = .max }
        }
        defer { actions = Actions() }
        return actions
    }

    /// What the database does not have yet, however lately it was written; before the end.
    func unwritten() -> [(userId: Identifier, seen: Tick)] {
        entries.compactMap { $1.sign > $1.written ? ($0, $1.sign) : nil }
    }
}

extension PresenceBoard {
    /// Changes the user's entry, made if there is none, and notes what follows from it.
    private mutating func change(_ userId: Identifier, at now: Tick, _ body: (inout Entry) -> Void) {
        var entry = entries[userId] ?? Entry()
        body(&entry)
        settle(userId, &entry, at: now)
        guard let next = Self.nextTimer(of: entry, after: now) else {
            entries[userId] = nil
            return
        }
        if next < entry.timer {
            entry.timer = next
            wheel.set(userId, at: next)
        }
        entries[userId] = entry
    }

    private mutating func settle(_ userId: Identifier, _ entry: inout Entry, at now: Tick) {
        if entry.isOnline(at: now) != entry.isOnline {
            entry.isOnline.toggle()
            actions.turned.append(userId)
        }
        if entry.isHere(at: now) {
            if entry.announceAt <= now {
                entry.announceAt = now + Tick.random(in: Self.announceTicks)
                actions.announced.append(userId)
            }
        } else if entry.announceAt > 0 {
            entry.announceAt = 0
            actions.withdrawn.append(userId)
        }
        if entry.sign > entry.written, entry.writtenAt == 0 || entry.writtenAt + Self.writeTicks <= now {
            entry.written = entry.sign
            entry.writtenAt = now
            actions.writes.append((userId, entry.sign))
        }
    }

    /// Nil where the user can be forgotten.
    private static func nextTimer(of entry: Entry, after now: Tick) -> Tick? {
        var next = Tick.max
        if entry.isHere(at: now) { next = min(entry.sign + presentTicks, entry.announceAt) }
        if entry.wordEnds > now { next = min(next, entry.wordEnds) }
        if entry.sign > entry.written { next = min(next, entry.writtenAt + writeTicks) }
        if next == .max { next = entry.seen + memoryTicks }
        return next > now ? next : nil
    }
}
