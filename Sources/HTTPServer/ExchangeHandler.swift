/// What a server asks of the application. All calls come from worker threads, many at a time, and must not block: a worker serves
/// thousands of connections.
///
/// One request is: `admit`, then `handle` (unless `admit` answered or the body was too large), then `finished`. A request that the
/// server turns away is: `rejection`, then `finished` with no context.
package protocol ExchangeHandler: AnyObject, Sendable {
    /// Decides on a request from its head.
    func admit(_ head: RequestHead) -> Admission
    /// Takes a request whose body is complete, or, where it was admitted as a stream, is still to come. The exchange is completed here or later, on any thread.
    func handle(_ exchange: Exchange)
    /// Words the answer to a request that breaks the rules of HTTP. The connection ends with it.
    func rejection(_ reason: Rejection) -> Response
    /// Words the answer to a body longer than its admission allowed.
    func tooLarge(maxBytes: Int, context: any AnyObject & Sendable) -> Response
    /// Words the answer to an exchange that was still open when the server stopped.
    func draining() -> Response
    /// Takes note of a request that is over, however it ended.
    func finished(_ record: ExchangeRecord)
}

/// How one request went.
package struct ExchangeRecord: Sendable {
    package enum Outcome: Sendable {
        /// The whole answer was handed to the kernel; that the client has it is not known.
        case answered
        /// The peer hung up before it had its answer.
        case abandoned
        /// The server ended it: a deadline passed, or a body was endless.
        case cut
    }

    /// What the admission named; absent for a request that was turned away.
    package let context: (any AnyObject & Sendable)?
    package let peer: PeerAddress
    /// 0 where there was no answer.
    package let status: Int
    /// Bytes of body received.
    package let requestBytes: Int
    /// Bytes of body in the answer.
    package let responseBytes: Int
    /// From the request line to the end.
    package let seconds: Double
    package let outcome: Outcome
}
