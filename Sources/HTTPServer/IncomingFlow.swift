/// A request's body between the worker that receives it and the application that reads it piece by piece.
///
/// It holds one piece at most. While the application is busy with one, the next gathers; when that is complete too, the
/// connection is paused, and nothing more is read from its socket until the application has taken it. So a body of any length takes
/// the memory of two pieces, and a slow reader slows its sender down. Pieces are handed out whole: small ones would cost a hand-over each.
struct IncomingFlow {
    /// Bytes in a piece, the last one apart. What libmicrohttpd delivers is not cut, so a piece may be longer by that.
    static let pieceBytes = 65_536

    enum Piece: Equatable {
        case bytes([UInt8])
        case end
        case broken(BodyFault)
    }

    private enum Ending { case end, broken(BodyFault) }

    private var buffer: [UInt8] = []
    private var ending: Ending?
    private var isPaused = false

    /// Takes what has come. True: the connection has to be paused.
    mutating func receive(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard ending == nil else { return false }
        if buffer.isEmpty { buffer.reserveCapacity(Self.pieceBytes + bytes.count) }
        buffer.append(contentsOf: bytes)
        isPaused = buffer.count >= Self.pieceBytes
        return isPaused
    }

    /// The body is complete, or will never be; only the first word counts.
    mutating func end(_ fault: BodyFault? = nil) {
        guard ending == nil else { return }
        ending = fault.map(Ending.broken) ?? .end
    }

    /// Nobody is going to take what is here.
    mutating func drop() {
        buffer = []
        end(.abandoned)
    }

    var isEmpty: Bool { buffer.isEmpty }

    /// Hands out a piece if one is complete; what came before a fault comes before it. `hasRoom`: the connection can go on.
    mutating func take() -> (piece: Piece, hasRoom: Bool)? {
        if buffer.count >= Self.pieceBytes || (ending != nil && !buffer.isEmpty) {
            let piece = buffer
            buffer = []
            defer { isPaused = false }
            return (.bytes(piece), isPaused)
        }
        switch ending {
        case .none: return nil
        case .end: return (.end, false)
        case .broken(let fault): return (.broken(fault), false)
        }
    }
}

/// Why the rest of a body will not come.
package enum BodyFault: Error, Sendable {
    /// The client has gone, was too slow, or the server stops.
    case abandoned
    /// It is longer than its admission allows. The server has answered.
    case tooLarge
}
