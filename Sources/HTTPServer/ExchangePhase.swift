import Synchronization

/// Who answers an exchange, and where the answer meets its connection.
///
///     running ──claim──▶ claimedRunning ──publish──▶ answered          the worker finds it when `handle` returns
///        │                     │ park
///        │ park                ▼
///        ▼                claimedHeld ──publish──▶ (completion queue)
///      held ────claim─────────▲
///
/// A message, a deadline, a hang-up and a stop race to `claim`; one of them gets it. `park` is the worker's, right after `handle`: it
/// suspends the connection unless the answer is there already. Because only the worker calls libmicrohttpd, and looks into its
/// completion queue only between two runs, no answer can overtake the suspension.
enum ExchangePhase: UInt8, AtomicRepresentable {
    case running, held, claimedRunning, claimedHeld, answered

    enum Publication { case leave, enqueue }
    enum Parking { case answer, suspend }

    var isOpen: Bool { self == .running || self == .held }

    /// Takes the right to answer. False: another one has it.
    mutating func claim() -> Bool {
        switch self {
        case .running: self = .claimedRunning
        case .held: self = .claimedHeld
        case .claimedRunning, .claimedHeld, .answered: return false
        }
        return true
    }

    /// The claimant has put its answer in place, and learns how it gets to the worker.
    mutating func publish() -> Publication {
        guard self == .claimedRunning else { return .enqueue }
        self = .answered
        return .leave
    }

    /// `handle` has returned.
    mutating func park() -> Parking {
        switch self {
        case .answered: return .answer
        case .running: self = .held
        case .claimedRunning: self = .claimedHeld
        case .held, .claimedHeld: break
        }
        return .suspend
    }
}

/// An `ExchangePhase` that threads share.
struct AtomicExchangePhase: ~Copyable {
    private let phase = Atomic<ExchangePhase>(.running)

    var isOpen: Bool { phase.load(ordering: .acquiring).isOpen }

    /// Takes one step of the machine as a whole.
    func step<Action>(_ transition: (inout ExchangePhase) -> Action) -> Action {
        var current = phase.load(ordering: .acquiring)
        while true {
            var next = current
            let action = transition(&next)
            let (exchanged, original) = phase.compareExchange(
                expected: current, desired: next, ordering: .acquiringAndReleasing)
            if exchanged { return action }
            current = original
        }
    }
}
