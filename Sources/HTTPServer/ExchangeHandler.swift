/// What a server asks of the application. All calls come from worker threads, many at a time, and must not block: a worker serves
/// thousands of connections.
///
/// One request is: `admit`, then `handle` (unless `admit` answered, or the body was too large or one too many), then `finished`. A request that the
/// server turns away is: `rejection`, then `finished` with the context that this made.
package protocol ExchangeHandler: AnyObject, Sendable {
    /// Decides on a request from its head.
    func admit(_ head: RequestHead) -> Admission
    /// Takes a request whose body is complete, or, where it was admitted as a stream, is still to come. The exchange is completed here or later, on any thread.
    func handle(_ exchange: Exchange)
    /// Words the answer to a request that breaks the rules of HTTP, and makes the context for its record. The connection ends with it.
    func rejection(_ reason: Rejection, of head: RejectedHead) -> (response: Response, context: (any AnyObject & Sendable)?)
    /// Words the answer to a body longer than its admission allowed.
    func tooLarge(maxBytes: Int, context: any AnyObject & Sendable) -> Response
    /// Words the answer where there is no memory left for a request's body; or, without a context, where there are too many connections: nothing was
    /// read from this one, and nothing more is said of it.
    func overloaded(context: (any AnyObject & Sendable)?) -> Response
    /// Words the answer to an exchange that was still open when the server stopped.
    func draining(context: any AnyObject & Sendable) -> Response
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
        /// The source of a streamed answer failed in the middle.
        case failed
        /// The server ended it: a deadline passed, or a body was endless.
        case cut
    }

    /// What the admission or the rejection named.
    package let context: (any AnyObject & Sendable)?
    package let peer: PeerAddress
    /// 0 where there was no answer.
    package let status: Int
    /// Bytes of body received.
    package let requestBytes: Int
    /// Bytes of body in the answer; of a stream, those that were handed out before its end.
    package let responseBytes: Int
    /// From the request line to the end.
    package let seconds: Double
    package let outcome: Outcome
}
