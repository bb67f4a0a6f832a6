/// The place of a value inside a document, such as `/devices/0/name`; the empty text is the document itself.
///
/// Source: RFC 6901 section 3 (`~` is written `~0`, `/` is written `~1`).
package struct JSONPointer: Sendable, Hashable, CustomStringConvertible {
    package static let root = JSONPointer(description: "")

    package let description: String

    package func appending(_ member: String) -> JSONPointer {
        var text = description + "/"
        for character in member.unicodeScalars {
            switch character {
            case "~": text += "~0"
            case "/": text += "~1"
            default: text.unicodeScalars.append(character)
            }
        }
        return JSONPointer(description: text)
    }

    package func appending(_ index: Int) -> JSONPointer {
        JSONPointer(description: "\(description)/\(index)")
    }

    private init(description: String) {
        self.description = description
    }
}
