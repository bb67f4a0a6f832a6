import Postgres
import Synchronization

/// The sessions of tokens that were seen lately, so that a poll costs no query for its token.
///
/// An entry lives at most `lifetime`, which bounds how long another node goes on accepting a token that was revoked here. What is revoked on this
/// node is forgotten at once; `generation` keeps a lookup that was under way meanwhile from bringing it back.
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
    }
    private final class Slot: Sendable {
        let shard = Mutex(Shard())
    }

    private let slots: [Slot]
    private let revocations = Atomic<UInt64>(0)
    private let uptime: @Sendable () -> Double

    init(uptime: @escaping @Sendable () -> Double = Uptime.seconds) {
        self.uptime = uptime
        slots = (0..<16).map { _ in Slot() }
    }

    /// Rises with every revocation.
    var generation: UInt64 { revocations.load(ordering: .acquiring) }

    func session(for hash: TokenHash) -> Session? {
        let now = uptime()
        return slot(hash).shard.withLock { shard in
            guard let entry = shard.entries[hash], entry.deadline > now else { return nil }
            return entry.session
        }
    }

    func remember(_ session: Session, for hash: TokenHash, seconds: Double, ifStill generation: UInt64) {
        let now = uptime()
        let deadline = now + min(seconds, Self.lifetime)
        slot(hash).shard.withLock { shard in
            guard revocations.load(ordering: .acquiring) == generation else { return }
            if now > shard.nextSweep {
                shard.entries = shard.entries.filter { $0.value.deadline > now }
                shard.nextSweep = now + Self.lifetime
            }
            shard.entries[hash] = Entry(session: session, deadline: deadline)
        }
    }

    /// Forgets the tokens of these devices.
    func forget(devices: Set<Identifier>) {
        revocations.add(1, ordering: .acquiringAndReleasing)
        for slot in slots {
            slot.shard.withLock { shard in
                shard.entries = shard.entries.filter { !devices.contains($0.value.session.deviceId) }
            }
        }
    }

    private func slot(_ hash: TokenHash) -> Slot {
        slots[hash.shard]
    }
}
