/// Why bytes are no acceptable JSON document, and where.
package struct JSONSyntaxError: Error, Hashable, CustomStringConvertible {
    package enum Reason: Sendable, Hashable {
        /// Not JSON, or a top-level value that is neither an object nor an array.
        case syntax
        /// Two members of one object have the same name, escapes resolved.
        case duplicateMember(String?)
        case tooDeep
        case invalidUTF8
        /// A NUL, as a byte anywhere or as `\u0000` in a string: PostgreSQL has no text that holds one.
        case nulCharacter
        /// No bytes, or nothing but white space.
        case emptyBody
        /// Something follows the document.
        case trailing
        /// An integer outside of 64 bits, or a real beyond the largest double.
        case numberOutOfRange
    }

    /// Both count from 1; a column is a character (a Unicode scalar), not a byte.
    package let line: Int
    package let column: Int
    package let reason: Reason
    /// One English sentence that says what is wrong and where.
    package let detail: String

    package var description: String { detail }

    /// The fault at the byte `offset` of `bytes`; `syntax` says what a parser missed there.
    init(_ reason: Reason, at offset: Int, of bytes: [UInt8], syntax: String = "", maximumDepth: Int = 0) {
        let place = Place(of: offset, in: bytes)
        self.line = place.line
        self.column = place.column
        self.reason = reason
        self.detail = "\(reason.text(syntax: syntax, maximumDepth: maximumDepth)) (line \(place.line), column \(place.column))."
    }
}

extension JSONSyntaxError.Reason {
    fileprivate func text(syntax: String, maximumDepth: Int) -> String {
        switch self {
        case .syntax: "This is not JSON: \(syntax)"
        case .duplicateMember(let name?): "The member \"\(name)\" is there twice in the same object"
        case .duplicateMember(nil): "A member is there twice in the same object"
        case .tooDeep: "Objects and arrays are nested more than \(maximumDepth) deep"
        case .invalidUTF8: "These bytes are not valid UTF-8"
        case .nulCharacter: "The character NUL is not allowed"
        case .emptyBody: "There is no JSON here: an object or an array is expected"
        case .trailing: "Something follows the end of the JSON document"
        case .numberOutOfRange: "This number is too large"
        }
    }
}

/// A byte offset as people read it.
private struct Place {
    var line = 1
    var column = 1

    init(of offset: Int, in bytes: [UInt8]) {
        for byte in bytes.prefix(offset) {
            if byte == UInt8(ascii: "\n") {
                line += 1
                column = 1
            } else if !isContinuation(byte) {
                column += 1
            }
        }
    }

    private func isContinuation(_ byte: UInt8) -> Bool {
        byte & 0b1100_0000 == 0b1000_0000
    }
}
