import Glibc

/// Writes a response to a socket without libmicrohttpd, where that has no request to answer or no memory left to answer with.
/// Nothing follows it: the connection has to be closed.
enum DirectAnswer {
    /// False: the kernel did not take all of it at once. `withBody` is false for the answer to a HEAD.
    static func send(_ response: Response, withBody: Bool = true, on descriptor: Int32) -> Bool {
        let bytes = serialized(response, withBody: withBody, at: time(nil))
        let flags = Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)
        return bytes.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, flags) } == bytes.count
    }

    /// Source: RFC 9112, 3 and 4; the reason phrase may be empty.
    static func serialized(_ response: Response, withBody: Bool, at time: time_t) -> [UInt8] {
        var head = "HTTP/1.1 \(response.status) \r\nDate: \(date(time))\r\n"
        for header in response.headers { head += "\(header.name): \(header.value)\r\n" }
        head += "Connection: close\r\nContent-Length: \(response.body.count)\r\n\r\n"
        return Array(head.utf8) + (withBody ? response.body : [])
    }

    /// Source: RFC 9110, 5.6.7.
    static func date(_ time: time_t) -> String {
        var (time, parts) = (time, tm())
        gmtime_r(&time, &parts)
        let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let two = { (number: Int32) in number < 10 ? "0\(number)" : "\(number)" }
        return "\(days[Int(parts.tm_wday)]), \(two(parts.tm_mday)) \(months[Int(parts.tm_mon)]) \(1900 + parts.tm_year) "
            + "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)) GMT"
    }
}
