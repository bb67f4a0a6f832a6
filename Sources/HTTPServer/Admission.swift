/// The application's word on a request whose head is there and whose body is not.
package enum Admission {
    /// Read a body of up to so many bytes and hand the exchange on. The context comes back in everything said about this request.
    case accept(maxBodyBytes: Int, context: any AnyObject & Sendable)
    /// Hand the exchange on at once; the body follows by `Exchange.nextPiece`, up to so many bytes of it.
    ///
    /// An answer may come before the body's end. Up to 1 MiB that is left of the body is then read and thrown away first. Where more is announced, or
    /// comes, or it does not come in time, the answer is sent all the same and ends the connection.
    case stream(maxBodyBytes: Int, context: any AnyObject & Sendable)
    /// Answer now.
    ///
    /// A body of a declared length up to 1 MiB is read and thrown away first, so that the connection can go on and no reset
    /// overtakes the answer. Where it is longer, or the client waits for `100 Continue`, the answer ends the connection.
    case answer(Response, context: (any AnyObject & Sendable)?)
}
