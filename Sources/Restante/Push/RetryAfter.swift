import Glibc
import HTTPClient

extension HTTPResponse {
    /// How many seconds the service wants to be left alone: at most an hour, whatever it says; nil where it says nothing that can be understood.
    ///
    /// A date is taken for as far as it is from the answer's own: neither need be on this server's clock.
    /// Source: RFC 9110, section 10.2.3.
    var retryAfterSeconds: Double? {
        guard let text = header("retry-after") else { return nil }
        if let seconds = UInt32(text) { return Double(min(seconds, 3_600)) }
        guard let until = Self.seconds(ofDate: text), let now = header("date").flatMap(Self.seconds(ofDate:)) else { return nil }
        return Double(min(max(until - now, 0), 3_600))
    }

    /// Since 1970. Source: RFC 9110, section 5.6.7, the one form that is sent.
    private static func seconds(ofDate text: String) -> Int? {
        let parts = text.split(separator: " ")
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        guard parts.count == 6, parts[5] == "GMT", let month = months.firstIndex(of: String(parts[2])) else { return nil }
        let numbers = ([parts[1], parts[3]] + parts[4].split(separator: ":")).compactMap { UInt16($0) }.map(Int32.init)
        guard numbers.count == 5 else { return nil }
        var fields = tm()
        (fields.tm_mday, fields.tm_year, fields.tm_mon) = (numbers[0], numbers[1] - 1900, Int32(month))
        (fields.tm_hour, fields.tm_min, fields.tm_sec) = (numbers[2], numbers[3], numbers[4])
        return timegm(&fields)
    }
}
