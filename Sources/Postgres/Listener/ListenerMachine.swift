/// Decides when a listener opens a session, probes it, trusts it and gives it up.
///
/// Pure state: time comes in as an argument, and each method returns what is to be done. `ListenerLoop` does it.
///
///     resting ──▶ opening ──▶ probing ──▶ listening ─┐
///        ▲           │         │   ▲                 │ every 5 s
///        └───────────┴─────────┘   └─────────────────┘
///
/// A probe is a notification to oneself. The first is sent over a second session and proves that LISTEN reaches us at all: a
/// pooler that lends out sessions by the transaction throws away what comes between two of ours, but does pass on what a
/// session tells itself. The later ones notice a server that froze, or a network that forgot us.
struct ListenerMachine {
    enum Action: Equatable {
        /// Open a session, listen on it, and send the first probe.
        case open(before: Deadline)
        /// Send another probe.
        case probe
        /// Say that the channel is heard from now on.
        case announce
        case drop(because: String)
        /// Wait for notifications.
        case wait(until: Deadline)
    }

    private enum State {
        case resting
        case opening
        case probing(isProven: Bool)
        case listening
    }

    private var state = State.resting
    /// When the state has lasted long enough.
    private var deadline: Deadline
    private var backoff = Backoff()

    private static let openingSeconds = 5.0
    private static let probeInterval = 5.0
    private static let probeSeconds = 2.0

    init(now: Deadline) {
        deadline = now
    }

    var wait: Action { .wait(until: deadline) }

    /// Nothing came before the deadline. `random` is from 0 to 1.
    mutating func timeUp(now: Deadline, random: Double) -> Action {
        switch state {
        case .resting:
            enter(.opening, now + ListenerMachine.openingSeconds)
            return .open(before: deadline)
        case .opening:
            return fail("no session within \(ListenerMachine.openingSeconds) s", now: now, random: random)
        case .probing(isProven: false):
            return fail("the session does not hear itself: does a pooler stand before the server?", now: now, random: random)
        case .probing(isProven: true):
            return fail("no answer within \(ListenerMachine.probeSeconds) s", now: now, random: random)
        case .listening:
            enter(.probing(isProven: true), now + ListenerMachine.probeSeconds)
            return .probe
        }
    }

    mutating func opened(now: Deadline) -> Action {
        enter(.probing(isProven: false), now + ListenerMachine.probeSeconds)
        return wait
    }

    mutating func probeReturned(now: Deadline) -> Action {
        guard case .probing(let isProven) = state else { return wait }
        enter(.listening, now + ListenerMachine.probeInterval)
        backoff.succeed()
        return isProven ? wait : .announce
    }

    /// Somebody's notification is as good a sign of life as the probe, which may stand in line behind thousands of them.
    mutating func heard(now: Deadline) -> Action {
        switch state {
        case .probing: deadline = now + ListenerMachine.probeSeconds
        case .listening: deadline = now + ListenerMachine.probeInterval
        case .resting, .opening: break
        }
        return wait
    }

    /// The session was refused, or lost. `random` is from 0 to 1.
    mutating func fail(_ reason: String, now: Deadline, random: Double) -> Action {
        enter(.resting, now + backoff.fail(random: random))
        return .drop(because: reason)
    }

    private mutating func enter(_ state: State, _ deadline: Deadline) {
        self.state = state
        self.deadline = deadline
    }
}
