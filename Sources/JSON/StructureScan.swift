/// What is wrong with the shape of a text, and at which byte.
struct StructureFault: Equatable {
    var reason: JSONSyntaxError.Reason
    var offset: Int
}

/// Looks for nesting deeper than `maximumDepth`, NUL bytes, and the absence of anything, before a recursive parser sees the text.
///
/// It knows just enough of JSON to tell brackets from those inside strings. Up to the first syntax error its count of open brackets is the
/// parser's recursion; what follows a syntax error no parser enters.
func findStructureFault(_ bytes: [UInt8], maximumDepth: Int) -> StructureFault? {
    var depth = 0
    var isInString = false
    var isEscaped = false
    var isEmpty = true
    for (offset, byte) in bytes.enumerated() {
        if byte == 0 {
            return StructureFault(reason: .nulCharacter, offset: offset)
        }
        if isInString {
            if isEscaped {
                isEscaped = false
            } else if byte == UInt8(ascii: "\\") {
                isEscaped = true
            } else if byte == UInt8(ascii: "\"") {
                isInString = false
            }
            continue
        }
        switch byte {
        case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"), UInt8(ascii: "\n"):
            continue
        case UInt8(ascii: "\""):
            isInString = true
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            depth += 1
            if depth > maximumDepth {
                return StructureFault(reason: .tooDeep, offset: offset)
            }
        case UInt8(ascii: "}"), UInt8(ascii: "]"):
            depth -= 1
        default:
            break
        }
        isEmpty = false
    }
    return isEmpty ? StructureFault(reason: .emptyBody, offset: 0) : nil
}
