import Postgres
import Synchronization

/// The sessions of tokens that were seen lately, so that a poll costs no query for its token.
///
/// An entry lives at most `lifetime`, which bounds how long another node goes on accepting a token that was revoked here. What is revoked on this
/// node is forgotten at once; `generations` keep a lookup that was under way meanwhile from bringing it back.
final class SessionCache: Sendable {
    /// Seconds.
    static let lifetime: Double = 30

    private struct Entry {
        let session: Session
        let deadline: Double
    }
    private struct Shard {
        var entries: [TokenHash: Entry] = [:]
        var nextSweep: Double = 0
        /// Rises whenever something is forgotten.
        var generation: UInt64 = 0
    }
    /// What a lookup has to take before it reads, and to show with what it has found.
    struct Generations: Sendable {
        fileprivate let values: [UInt64]
    }
    private final class Slot: Sendable {
        let shard = Mutex(Shard())
    }

    private let slots: [Slot]
    private let uptime: @Sendable () -> Double

    init(uptime: @escaping @Sendable () -> Double = Uptime.seconds) {
        self.uptime = uptime
        slots = (0..<16).map { _ in Slot() }
    }

    var generations: Generations {
        Generations(values: slots.map { $0.shard.withLock { $0.generation } })
    }

    func session(for hash: TokenHash) -> Session? {
        let now = uptime()
        return slot(hash).shard.withLock { shard in
            guard let entry = shard.entries[hash], entry.deadline > now else { return nil }
            return entry.session
        }
    }

    func remember(_ session: Session, for hash: TokenHash, seconds: Double, ifStill generations: Generations) {
        let now = uptime()
        let deadline = now + min(seconds, Self.lifetime)
        slot(hash).shard.withLock { shard in
            guard shard.generation == generations.values[hash.shard] else { return }
            if now > shard.nextSweep {
                shard.entries = shard.entries.filter { $0.value.deadline > now }
                shard.nextSweep = now + Self.lifetime
            }
            shard.entries[hash] = Entry(session: session, deadline: deadline)
        }
    }

    /// Forgets the tokens of these devices.
    func forget(devices: Set<Identifier>) {
        for slot in slots {
            slot.shard.withLock { shard in
                shard.generation += 1
                for hash in shard.entries.filter({ devices.contains($0.value.session.deviceId) }).keys { shard.entries[hash] = nil }
            }
        }
    }

    /// Forgets one token: what a refresh costs must not grow with how many others are remembered.
    func forget(_ hash: TokenHash) {
        slot(hash).shard.withLock { shard in
            shard.generation += 1
            shard.entries[hash] = nil
        }
    }

    private func slot(_ hash: TokenHash) -> Slot {
        slots[hash.shard]
    }
}
