/// The rows of the catalogue that concern the form of a request.
extension ProblemCode {
    var requestDescription: ProblemDescription {
        switch self {
        case .malformedJSON:
            row(
                400, "The body is not JSON", "The body breaks the rules of JSON at the `line` and `column` given.",
                remedy: "Mend the client; sending the same body again fails again.")
        case .malformedRequest:
            row(
                400, "The request is not well-formed HTTP", "The request line, a header or the path breaks the rules of HTTP/1.1.",
                remedy: "Mend the client, or the proxy before this server.")
        case .unknownParameter:
            row(
                400, "The request names something unknown", "A member of the body or a query parameter is not one that this operation knows.",
                remedy: "Correct the name; `didYouMean` makes a suggestion where one is near.")
        case .invalidRequest:
            row(
                400, "The request is not valid", "Something is missing, of the wrong type, or out of range; `errors` says what and where.",
                remedy: "Mend the request; sending it again unchanged fails again.")
        case .methodNotAllowed:
            row(
                405, "The method is not allowed here", "The path exists, but not with this method; `Allow` lists those that it has.",
                remedy: "Use one of the methods in `Allow`.")
        case .lengthRequired:
            row(
                411, "The length of the body is missing", "A request with a body needs Content-Length or chunked coding.",
                remedy: "Send a Content-Length.")
        case .tooLarge:
            row(413, "The request is too large", "The body, or the content in it, is larger than `maxBytes`.", remedy: "Send less.")
        case .uriTooLong:
            row(
                414, "The address is too long", "The request target is longer than this server accepts; `detail` says how long it may be.",
                remedy: "Send less in the query.")
        case .headersTooLarge:
            row(
                431, "The headers are too large", "The request's headers do not fit the memory of a connection.",
                remedy: "Send fewer or shorter headers.")
        case .unsupportedMediaType:
            row(
                415, "The body has the wrong media type", "This operation reads `application/json`.",
                remedy: "Send `Content-Type: application/json` and a JSON body.")
        case .expectationFailed:
            row(417, "The expectation cannot be met", "The only `Expect` that is understood is `100-continue`.", remedy: "Leave the header out.")
        case .notImplemented:
            row(
                501, "This is not implemented", "The method or the transfer coding is not one that this server knows.",
                remedy: "Use a method of the API and no transfer coding but `chunked`.")
        case .unsupportedVersion:
            row(505, "The HTTP version is not supported", "This server speaks HTTP/1.1 and HTTP/1.0.", remedy: "Use HTTP/1.1.")
        default:
            row(
                404, "There is nothing here", "The path is unknown, or it names something that the caller may not see.",
                remedy: "Check the path and the ids.")
        }
    }

    private func row(_ status: Int, _ title: String, _ explanation: String, remedy: String) -> ProblemDescription {
        ProblemDescription(status: status, title: title, retryable: false, explanation: explanation, remedy: remedy)
    }
}
