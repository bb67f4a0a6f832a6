import Synchronization

/// The body of a request that is streamed: filled by the worker, read by one task of the application.
final class IncomingBody: Sendable {
    private let state = Mutex(State())
    private let bodies: BodyBudget

    /// What has become of a piece.
    enum Reception {
        case taken
        /// The connection has to be paused.
        case full
        /// There is no memory left for bodies, and the piece is lost.
        case refused
    }

    private struct State {
        var flow = IncomingFlow()
        /// Whether the memory of a piece has been taken from the budget.
        var isCounted = false
        var reader: CheckedContinuation<(piece: IncomingFlow.Piece, hasRoom: Bool), Never>?

        /// What the reader that waits can be told now.
        mutating func delivery() -> (() -> Void)? {
            guard let reader, let taken = flow.take() else { return nil }
            self.reader = nil
            return { reader.resume(returning: taken) }
        }
    }

    init(bodies: BodyBudget) {
        self.bodies = bodies
    }

    deinit {
        state.withLock { if $0.isCounted { bodies.give(back: IncomingFlow.pieceBytes) } }
    }

    func receive(_ bytes: UnsafeRawBufferPointer) -> Reception {
        let (reception, deliver) = state.withLock { state -> (Reception, (() -> Void)?) in
            if !state.isCounted { state.isCounted = bodies.take(IncomingFlow.pieceBytes) }
            guard state.isCounted else { return (.refused, nil) }
            let isFull = state.flow.receive(bytes)
            let deliver = delivery(&state)
            // A reader that waited has made room.
            return (isFull && deliver == nil ? .full : .taken, deliver)
        }
        deliver?()
        return reception
    }

    /// The body is complete, or, with a fault, will never be.
    func end(_ fault: BodyFault? = nil) {
        change { $0.end(fault) }
    }

    /// The application has answered: it will not read the rest.
    func drop() {
        change { $0.drop() }
    }

    private func change(_ body: (inout IncomingFlow) -> Void) {
        let deliver = state.withLock { state in
            body(&state.flow)
            return delivery(&state)
        }
        deliver?()
    }

    /// What the reader that waits is told, outside the lock. Gives the memory back where it is free.
    private func delivery(_ state: inout State) -> (() -> Void)? {
        let deliver = state.delivery()
        if state.isCounted, state.flow.isEmpty {
            bodies.give(back: IncomingFlow.pieceBytes)
            state.isCounted = false
        }
        return deliver
    }

    /// Waits for the next piece; nil after the last one. One reader at a time. `makeRoom` is called where the connection is paused.
    func next(makeRoom: () -> Void) async throws(BodyFault) -> [UInt8]? {
        let taken = await withCheckedContinuation { continuation in
            let deliver = state.withLock { state in
                state.reader = continuation
                return delivery(&state)
            }
            deliver?()
        }
        if taken.hasRoom { makeRoom() }
        switch taken.piece {
        case .bytes(let bytes): return bytes
        case .end: return nil
        case .broken(let fault): throw fault
        }
    }
}
