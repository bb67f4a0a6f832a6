/// Why a request was turned away before the application saw it.
package enum Rejection: Error, Equatable, Sendable {
    /// The request breaks the rules of HTTP; the text says which one.
    case malformed(String)
    /// The target is longer than `RequestTarget.maximumBytes`.
    case uriTooLong
    /// The head needs more memory than a connection has, or more than 16 KiB.
    case headersTooLarge
    /// A method that HTTP does not define.
    case unsupportedMethod
    /// HTTP/1.0 with a method that has a body, and no Content-Length.
    case lengthRequired
    /// A transfer coding other than `chunked`.
    case unsupportedTransferCoding
    /// Neither HTTP/1.0 nor HTTP/1.1.
    case unsupportedVersion
    /// An expectation other than `100-continue`.
    case expectationFailed

    /// The status code this is answered with.
    package var status: Int {
        switch self {
        case .malformed: 400
        case .lengthRequired: 411
        case .uriTooLong: 414
        case .expectationFailed: 417
        case .headersTooLarge: 431
        case .unsupportedMethod, .unsupportedTransferCoding: 501
        case .unsupportedVersion: 505
        }
    }

    /// One sentence for the client.
    package var detail: String {
        switch self {
        case .malformed(let detail): detail
        case .uriTooLong: "The request target is longer than \(RequestTarget.maximumBytes) bytes."
        case .headersTooLarge: "The header fields are too long or too many."
        case .unsupportedMethod: "This method is not known here."
        case .lengthRequired: "A request with a body needs a Content-Length."
        case .unsupportedTransferCoding: "The only transfer coding that is understood is chunked."
        case .unsupportedVersion: "The versions of HTTP spoken here are 1.0 and 1.1."
        case .expectationFailed: "The only expectation that is understood is 100-continue."
        }
    }
}
