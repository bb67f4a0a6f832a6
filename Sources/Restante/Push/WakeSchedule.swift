import Postgres

/// A message that came into the inbox of a device which held no poll.
struct PushArrival: Sendable, Equatable {
    let deviceId: Identifier
    let messageId: Identifier
}

/// Which devices have messages, and when it is time to see whether these still wait. No clock: times are seconds of uptime.
///
/// Of each device only the first message and the last one are known. When the first one's time has come, the database is asked about it. If it is gone,
/// the device has come meanwhile, and the last one is waited for in turn.
struct WakeSchedule {
    private struct Entry {
        var first: Identifier
        var due: Double
        var last: Identifier
        var lastDue: Double
    }

    private let delay: Double
    private let capacity: Int
    private var entries: [Identifier: Entry] = [:]
    private var wheel: TimerWheel<Identifier>
    /// Devices whose time has come and for which there was no room yet, the longest waiting first.
    private var ready: ArraySlice<Identifier> = []

    private static let ticksPerSecond = 10.0

    /// - Parameters:
    ///   - delay: seconds that a message waits for its device to come by itself.
    ///   - capacity: devices that are remembered; of those beyond it only the database knows.
    init(delay: Double, capacity: Int, at now: Double) {
        self.delay = delay
        self.capacity = capacity
        wheel = TimerWheel(horizon: Int((delay + 10) * Self.ticksPerSecond), at: Self.tick(now))
    }

    var count: Int { entries.count }

    /// False where the device is not remembered for want of room.
    mutating func add(_ arrival: PushArrival, at now: Double) -> Bool {
        let due = now + delay
        if entries[arrival.deviceId] != nil {
            entries[arrival.deviceId]?.last = arrival.messageId
            entries[arrival.deviceId]?.lastDue = due
            return true
        }
        guard entries.count < capacity else { return false }
        entries[arrival.deviceId] = Entry(first: arrival.messageId, due: due, last: arrival.messageId, lastDue: due)
        ring(for: arrival.deviceId, at: due)
        return true
    }

    /// The candidates whose time has come, but not those that poll now; what came later is still remembered, and waits on if the first one is gone.
    mutating func takeDue(at now: Double, atMost room: Int, isPolling: (Identifier) -> Bool) -> [WakeUpCandidate] {
        ready += wheel.advance(to: Self.tick(now))
        var candidates: [WakeUpCandidate] = []
        while candidates.count < room, let deviceId = ready.popFirst() {
            // A timer may have stayed behind of an entry that is gone.
            guard let entry = entries[deviceId], entry.due <= now else { continue }
            guard !isPolling(deviceId) else {
                entries[deviceId] = nil
                continue
            }
            candidates.append(WakeUpCandidate(deviceId: deviceId, messageId: entry.first))
        }
        // A slice keeps the room of what was taken from it.
        if ready.isEmpty { ready = [] }
        return candidates
    }

    /// The database has been asked about this candidate: it was claimed, or its message waits no more, or somebody else has woken the device.
    mutating func finish(_ candidate: WakeUpCandidate, isClaimed: Bool) {
        let deviceId = candidate.deviceId
        guard let entry = entries[deviceId], entry.first == candidate.messageId else { return }
        guard !isClaimed, entry.last != entry.first else {
            entries[deviceId] = nil
            return
        }
        entries[deviceId] = Entry(first: entry.last, due: entry.lastDue, last: entry.last, lastDue: entry.lastDue)
        ring(for: deviceId, at: entry.lastDue)
    }

    /// The database could not be asked: again in a second.
    mutating func postpone(_ candidates: [WakeUpCandidate], at now: Double) {
        for candidate in candidates where entries[candidate.deviceId]?.first == candidate.messageId {
            entries[candidate.deviceId]?.due = now + 1
            ring(for: candidate.deviceId, at: now + 1)
        }
    }

    /// Never before that moment.
    private mutating func ring(for deviceId: Identifier, at due: Double) {
        wheel.set(deviceId, at: Self.tick(due) + 1)
    }

    private static func tick(_ seconds: Double) -> UInt64 { UInt64(max(0, seconds) * ticksPerSecond) }
}
