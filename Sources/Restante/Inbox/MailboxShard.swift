import Postgres

/// Some of the mailboxes, and their timers. A mailbox has one timer at a time that matters; those that ring earlier or later than it are passed over.
struct MailboxShard {
    /// One mailbox, by reference: a dictionary has room for up to twice as many entries as are in it, and a mailbox is some 300 bytes.
    final class Entry {
        var mailbox: Mailbox
        init(_ mailbox: Mailbox) { self.mailbox = mailbox }
    }

    var entries: [Identifier: Entry] = [:]
    private var wheel: TimerWheel<Identifier>

    /// Longer than the longest wait of a poll.
    private static let horizon = 1024

    init(at tick: UInt64) {
        wheel = TimerWheel(horizon: Self.horizon, at: tick)
    }

    /// Lends the mailbox of a device, made if there is none, and sets its timer as it needs it afterwards.
    mutating func withMailbox<Result>(_ deviceId: Identifier, at now: UInt64, _ body: (inout Mailbox) -> Result) -> Result {
        let entry = entries[deviceId] ?? Entry(Mailbox(lastSeen: now))
        entries[deviceId] = entry
        let result = body(&entry.mailbox)
        setTimer(of: deviceId, at: now)
        return result
    }

    /// Notes a sign of life. A mailbox that is there has its timer; it rings and is set anew whenever the device was last seen.
    mutating func touch(_ deviceId: Identifier, at now: UInt64) {
        if entries[deviceId]?.mailbox.touch(at: now) == nil { withMailbox(deviceId, at: now) { $0.touch(at: now) } }
    }

    /// What the timers up to now ask for; mailboxes with nothing left to remember are gone afterwards.
    mutating func ring(at now: UInt64) -> [Mailbox.Errand] {
        var errands: [Mailbox.Errand] = []
        for deviceId in wheel.advance(to: now) {
            guard let entry = entries[deviceId], entry.mailbox.timer <= now else { continue }
            entry.mailbox.timer = .max
            if let errand = entry.mailbox.ring(at: now) { errands.append(errand) }
            if !setTimer(of: deviceId, at: now) { entries[deviceId] = nil }
        }
        return errands
    }

    /// False where the mailbox needs no timer any more.
    @discardableResult
    private mutating func setTimer(of deviceId: Identifier, at now: UInt64) -> Bool {
        guard let entry = entries[deviceId], let next = entry.mailbox.nextTimer(after: now) else { return false }
        if next < entry.mailbox.timer {
            entry.mailbox.timer = next
            wheel.set(deviceId, at: next)
        }
        return true
    }
}
