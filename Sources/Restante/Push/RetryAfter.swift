import HTTPClient

extension HTTPResponse {
    /// How many seconds the service wants to be left alone: at most an hour, whatever it says; nil where it says nothing that can be understood.
    ///
    /// Source: RFC 9110, section 10.2.3. A date is not taken: neither service sends one, and whose clock it would be on is not known.
    var retryAfterSeconds: Double? {
        guard let text = header("retry-after"), let seconds = UInt32(text) else { return nil }
        return Double(min(seconds, 3_600))
    }
}
