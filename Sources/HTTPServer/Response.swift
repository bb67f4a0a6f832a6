/// What a client is told: a status, header fields, and a body.
package struct Response: Sendable {
    package var status: Int
    /// Values are neither empty nor contain a control character. `Content-Length` and `Date` are added by the server.
    package var headers: [(name: StaticString, value: String)]
    package var body: [UInt8]
    /// Sent in place of `body`.
    package var stream: BodyStream?
    /// Ends the connection after this response.
    package var close: Bool

    package init(
        status: Int, headers: [(name: StaticString, value: String)] = [], body: [UInt8] = [], stream: BodyStream? = nil, close: Bool = false
    ) {
        self.status = status
        self.headers = headers
        self.body = body
        self.stream = stream
        self.close = close
    }

    /// Bytes of body.
    package var bodyBytes: Int { stream?.length ?? body.count }
}
