/// Stops asking a service that does not answer, so that neither side is worn out by it.
///
/// Closed: all may go. Once at least half of the last 100 calls failed (and there were enough of them to say so) it opens for 10 s:
/// none may go. Then it is half open: one probe at a time may go; a success closes it with a clean slate, a failure opens it for 10 s more.
/// No clock, no lock: `at` is seconds on a clock that never jumps, and the caller holds the lock.
package struct CircuitBreaker: Sendable {
    private enum State {
        case closed
        case open(until: Double)
        /// A probe that is never heard of again counts as failed after `openSeconds`.
        case probing(since: Double)
    }

    /// Fewer calls than this prove nothing.
    private let fewest: Int
    private let window: Int
    private let openSeconds: Double
    private var state = State.closed
    /// The last `window` outcomes, in a ring.
    private var outcomes: [Bool] = []
    private var next = 0
    private var failures = 0

    package init(window: Int = 100, fewest: Int = 10, openSeconds: Double = 10) {
        self.window = max(1, window)
        self.fewest = fewest
        self.openSeconds = openSeconds
    }

    /// Whether a call may go; who is let go must `note` how it ended.
    package mutating func admits(at now: Double) -> Bool {
        switch state {
        case .closed:
            return true
        case .open(let until):
            guard now >= until else { return false }
        case .probing(let since):
            guard now >= since + openSeconds else { return false }
        }
        state = .probing(since: now)
        return true
    }

    /// How a call ended that was let go at `begun`.
    package mutating func note(success: Bool, begun: Double, at now: Double) {
        switch state {
        case .closed:
            record(success)
            if outcomes.count >= fewest && failures * 2 >= outcomes.count { open(at: now) }
        case .probing(let since):
            // Only the probe's own outcome tells; a call may outlive the pause.
            guard begun >= since else { break }
            if success { close() } else { open(at: now) }
        case .open:
            // A call that was under way when it opened says nothing new.
            break
        }
    }

    /// Seconds until a call may go again; 0: now.
    package func wait(at now: Double) -> Double {
        switch state {
        case .closed: 0
        case .open(let until): max(0, until - now)
        case .probing(let since): max(0, since + openSeconds - now)
        }
    }

    private mutating func record(_ success: Bool) {
        if outcomes.count < window {
            outcomes.append(success)
        } else {
            if !outcomes[next] { failures -= 1 }
            outcomes[next] = success
            next = (next + 1) % window
        }
        if !success { failures += 1 }
    }

    private mutating func open(at now: Double) {
        close()
        state = .open(until: now + openSeconds)
    }

    private mutating func close() {
        state = .closed
        outcomes = []
        next = 0
        failures = 0
    }
}
