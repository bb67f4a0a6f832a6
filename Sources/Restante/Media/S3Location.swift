import HTTPClient

/// Where a bucket is: `https://HOST[:PORT]/BUCKET?region=REGION&style=host`.
///
/// Without `region` it is us-east-1, which stores that know no regions take. Without `style` the bucket is in the path, as stores of one's
/// own want it; with `style=host` it is the first part of the host's name, as Amazon's newer ones want it.
package struct S3Location: Sendable, Equatable {
    package let text: String
    package let region: String
    /// The URL that every key is put behind; ends with a slash.
    let base: String

    package init?(_ text: String) {
        let halves = text.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let parts = halves[0].split(separator: "/", omittingEmptySubsequences: false)
        guard HTTPClientSettings().allows(text), parts.count == 4, parts[1].isEmpty, Self.isName(parts[3], 3...63),
            let options = Self.options(halves.count == 2 ? halves[1] : "")
        else { return nil }
        self.text = text
        region = options.region
        base = options.isInHost ? "\(parts[0])//\(parts[3]).\(parts[2])/" : "\(halves[0])/"
    }

    private static func options(_ query: Substring) -> (region: String, isInHost: Bool)? {
        var options = (region: "us-east-1", isInHost: false)
        for pair in query.split(separator: "&") {
            let halves = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard halves.count == 2 else { return nil }
            switch halves[0] {
            case "region" where isName(halves[1], 1...63): options.region = String(halves[1])
            case "style" where halves[1] == "host" || halves[1] == "path": options.isInHost = halves[1] == "host"
            default: return nil
            }
        }
        return options
    }

    private static func isName(_ text: Substring, _ lengths: ClosedRange<Int>) -> Bool {
        lengths.contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."): true
                default: false
                }
            }
    }
}
