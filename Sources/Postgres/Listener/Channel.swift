/// The name of a notification channel, taken as it stands, upper and lower case apart; 1 to 63 bytes.
struct Channel: Sendable {
    let name: String

    private static let longest = 63

    init(_ name: StaticString) {
        self.init(name.description)
    }

    /// A name that nobody else uses.
    static func random() -> Channel {
        Channel("probe_" + String(UInt64.random(in: 0...UInt64.max), radix: 16))
    }

    /// The name as an identifier in SQL, which unquoted would be taken in lower case.
    var quoted: String {
        var text = "\""
        for character in name.unicodeScalars {
            if character == "\"" { text += "\"" }
            text.unicodeScalars.append(character)
        }
        return text + "\""
    }

    private init(_ name: String) {
        // Names are literals of this program. LISTEN would cut a longer one short without an error, and then hear nothing.
        precondition((1...Channel.longest).contains(name.utf8.count), "a channel's name has 1 to 63 bytes")
        self.name = name
    }
}
