internal import CLibcurl

/// A URL as libcurl reads it: judged and sent by one parser, so that no second one can understand it differently.
struct RequestURL {
    let text: String

    /// Throws `.invalidURL` for what is not `https`, or plain `http` where that is allowed.
    init(_ text: String, allowsPlainHTTP: Bool) throws(HTTPClientError) {
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }), let handle = curl_url() else { throw .invalidURL }
        defer { curl_url_cleanup(handle) }
        guard curl_url_set(handle, CURLUPART_URL, text, 0) == CURLUE_OK,
            let scheme = Self.part(CURLUPART_SCHEME, of: handle), let host = Self.part(CURLUPART_HOST, of: handle),
            Self.part(CURLUPART_USER, of: handle) == nil, Self.part(CURLUPART_PASSWORD, of: handle) == nil,
            scheme == "https" || scheme == "http" && (allowsPlainHTTP || Self.isLoopback(host)),
            let whole = Self.part(CURLUPART_URL, of: handle)
        else { throw .invalidURL }
        self.text = whole
    }

    /// The same as a question.
    static func allows(_ text: String, _ settings: HTTPClientSettings) -> Bool {
        do throws(HTTPClientError) {
            _ = try RequestURL(text, allowsPlainHTTP: settings.allowsPlainHTTP)
            return true
        } catch {
            return false
        }
    }

    private static func part(_ part: CURLUPart, of handle: OpaquePointer) -> String? {
        var text: UnsafeMutablePointer<CChar>?
        guard curl_url_get(handle, part, &text, 0) == CURLUE_OK, let text else { return nil }
        defer { curl_free(text) }
        return String(cString: text)
    }

    /// libcurl has brought every spelling of an IPv4 address into its usual form. It never asks a name server for `localhost`.
    private static func isLoopback(_ host: String) -> Bool {
        if host == "localhost" || host == "[::1]" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }
}
