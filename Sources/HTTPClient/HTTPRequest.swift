/// One request, as it goes out.
package struct HTTPRequest: Sendable {
    /// A token such as `POST`; upper and lower case differ.
    package var method: String
    /// Absolute. Without user or password: a URL is seen in logs, credentials go into a header.
    package var url: String
    package var headers: [(name: String, value: String)]
    package var body: [UInt8]
    /// In place of `body`, for what shall not be in memory as a whole.
    package var file: HTTPFile?
    /// For a service of AWS's kind.
    package var signature: AWSSignature?

    package init(method: String = "GET", url: String, headers: [(name: String, value: String)] = [], body: [UInt8] = []) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
    }
}

extension HTTPRequest {
    /// The first thing in method or headers that could be taken for something else on the wire: a line break in a value would be
    /// a header of its own. The URL is read by `RequestURL`.
    var fault: String? {
        guard Self.isToken(method) else { return "the method is no token" }
        for header in headers {
            guard Self.isToken(header.name) else { return "a header's name is no token" }
            guard !["content-length", "transfer-encoding"].contains(header.name.lowercased()) else { return "the framing is libcurl's to say" }
            guard header.value.utf8.allSatisfy({ $0 == 0x09 || ($0 >= 0x20 && $0 != 0x7f) }) else {
                return "the header \(header.name) has a control character in its value"
            }
        }
        return nil
    }

    /// Source: RFC 9110, section 5.6.2.
    private static func isToken(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy(tokenBytes.contains)
    }

    private static let tokenBytes = Set("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".utf8)
}
