import Synchronization

/// One request and its answer. It may be kept, handed to another thread, and answered there.
package final class Exchange: Sendable {
    package let context: any AnyObject & Sendable
    /// Small, since each request that is held keeps one of these.
    private let slotNumber: Int32
    private let phase = AtomicExchangePhase()
    private let completions: CompletionQueue
    private let bodies: BodyBudget
    private let held = Mutex(Held())
    /// The body of a request that was admitted as a stream.
    let incoming: IncomingBody?
    /// Written by the one claimant before it publishes, read by the worker after; the phase orders the two.
    nonisolated(unsafe) private var response: Response?

    private struct Held {
        enum Ending { case none, completed, abandoned }

        var body = GatheredBody()
        var ending = Ending.none
        var whenAbandoned: (@Sendable () -> Void)?
    }

    init(
        context: any AnyObject & Sendable, slot: Int, completions: CompletionQueue, bodies: BodyBudget, incoming: IncomingBody? = nil
    ) {
        self.context = context
        slotNumber = Int32(slot)
        self.completions = completions
        self.bodies = bodies
        self.incoming = incoming
    }

    /// Waits for the next piece of a streamed body, some 64 KiB; nil after the last one. One task at a time. Until a piece is asked for, the
    /// client is not read from, beyond the one that is ready.
    package func nextPiece() async throws(BodyFault) -> [UInt8]? {
        guard let incoming else { return nil }
        return try await incoming.next { completions.append(.flow(self)) }
    }

    /// Moves the body out; the next call gets nothing, and neither does one after the answer.
    package func takeBody() -> [UInt8] {
        held.withLock { $0.body.take(givingBackTo: bodies) }
    }

    /// Answers the request, from any thread. False: it has been answered, or its peer is gone.
    @discardableResult
    package func complete(_ response: Response) -> Bool {
        guard claim() else { return false }
        self.response = response
        // Released at the end, outside the lock: what the action captures usually holds what holds this exchange.
        let forgotten = end(.completed)
        defer { _ = forgotten }
        if phase.step({ $0.publish() }) == .enqueue { completions.append(.answered(self)) }
        return true
    }

    /// Whether `complete` would still be of use; another thread may decide that in the next moment.
    package var isOpen: Bool { phase.isOpen }

    /// Runs `action` once if the server ends this before it is completed: the peer has hung up or was too slow, a streamed body is too large, or the
    /// server stops.
    ///
    /// It runs on the worker's thread and must not block; or, where that has happened already, before this returns.
    package func whenAbandoned(_ action: @escaping @Sendable () -> Void) {
        let ending = held.withLock { held in
            if held.ending == .none { held.whenAbandoned = action }
            return held.ending
        }
        if ending == .abandoned { action() }
    }
}

// What the worker does with it.
extension Exchange {
    /// Where its connection is in the worker's table, which has at most 2^30 of them.
    var slot: Int { Int(slotNumber) }

    /// Takes a piece of a body of `expected` bytes (0: nobody knows). False: there is no memory left for bodies.
    func receive(_ bytes: UnsafeRawBufferPointer, expecting expected: Int) -> Bool {
        held.withLock { $0.body.append(bytes, expecting: expected, from: bodies) }
    }

    /// Throws away what was received of a body that nobody is going to read.
    func discardBody() {
        _ = takeBody()
    }

    /// Takes the right to answer.
    func claim() -> Bool { phase.step { $0.claim() } }

    /// `handle` has returned; tells whether the answer is there.
    func park() -> ExchangePhase.Parking { phase.step { $0.park() } }

    /// The answer; nil where the exchange was abandoned. Called by the worker after the claimant published.
    func takeResponse() -> Response? {
        // Pairs with the claimant's release: its writing of `response` comes before this reading, whatever way the exchange came here.
        guard !phase.isOpen else { return nil }
        let answer = response
        response = nil
        return answer
    }

    /// Tells the application that its answer is no longer wanted. Called by the worker, which has the claim.
    func abandon() {
        let action = end(.abandoned)
        action?()
    }

    /// Settles how this ended; what `whenAbandoned` left is handed back.
    private func end(_ ending: Held.Ending) -> (@Sendable () -> Void)? {
        held.withLock { held in
            held.ending = ending
            _ = held.body.take(givingBackTo: bodies)
            let action = held.whenAbandoned
            held.whenAbandoned = nil
            return action
        }
    }
}
