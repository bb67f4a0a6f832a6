import Synchronization

/// The body of a request that is streamed: filled by the worker, read by one task of the application.
final class IncomingBody: Sendable {
    private let state = Mutex(State())

    private struct State {
        var flow = IncomingFlow()
        var reader: CheckedContinuation<(piece: IncomingFlow.Piece, hasRoom: Bool), Never>?

        /// What the reader that waits can be told now.
        mutating func delivery() -> (() -> Void)? {
            guard let reader, let taken = flow.take() else { return nil }
            self.reader = nil
            return { reader.resume(returning: taken) }
        }
    }

    /// Takes what has come. True: the connection has to be paused.
    func receive(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let (isFull, deliver) = state.withLock { state in
            let isFull = state.flow.receive(bytes)
            return (isFull, state.delivery())
        }
        deliver?()
        // A reader that waited has made room.
        return isFull && deliver == nil
    }

    /// The body is complete, or, with a fault, will never be.
    func end(_ fault: BodyFault? = nil) {
        let deliver = state.withLock { state in
            state.flow.end(fault)
            return state.delivery()
        }
        deliver?()
    }

    /// Waits for the next piece; nil after the last one. One reader at a time. `makeRoom` is called where the connection is paused.
    func next(makeRoom: () -> Void) async throws(BodyFault) -> [UInt8]? {
        let taken = await withCheckedContinuation { continuation in
            let deliver = state.withLock { state in
                state.reader = continuation
                return state.delivery()
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
