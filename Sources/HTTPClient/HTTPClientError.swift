/// Why a request got no answer. Texts are for the log: they may name hosts.
package enum HTTPClientError: Error, Sendable, Equatable {
    /// It took too long once the request had begun to leave. The request may have been done.
    case timedOut
    /// No connection: unknown name, refused, no route, none in time, a certificate that does not hold. Nothing of the request was sent.
    case unreachable(String)
    /// The connection broke after it stood. The request may have been done.
    case interrupted(String)
    /// The answer is larger than the settings allow. The request was done.
    case tooLarge
    /// The URL does not parse, has credentials, or a scheme that is not allowed for its host. Nothing was sent.
    case invalidURL
    /// A method or header that cannot be sent as it is. Nothing was sent.
    case invalidRequest(String)
    /// The caller's task was cancelled, or the client closed. The request may have been done.
    case cancelled

    /// True where the other side has certainly not seen the request, so that sending it again does nothing twice.
    package var provesNothingWasSent: Bool {
        switch self {
        case .unreachable, .invalidURL, .invalidRequest: true
        case .timedOut, .interrupted, .tooLarge, .cancelled: false
        }
    }
}
