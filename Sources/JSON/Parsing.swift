import CJansson

extension JSON {
    /// Reads one JSON document: an object or an array and nothing after it.
    ///
    /// Stricter than jansson alone: nesting is measured before jansson, which recurses, sees the text (the outermost value is level
    /// 1, `maximumDepth` at most `deepest`); and two members with one name, or a NUL, are faults.
    package static func parse(_ bytes: [UInt8], maximumDepth: Int = 32) throws(JSONSyntaxError) -> JSON {
        precondition(maximumDepth <= deepest, "the depth limit is the program's own, not a client's")
        if let fault = findStructureFault(bytes, maximumDepth: maximumDepth) {
            throw JSONSyntaxError(fault.reason, at: fault.offset, of: bytes, maximumDepth: maximumDepth)
        }
        _ = hashSeeding
        var error = json_error_t()
        let root = bytes.withUnsafeBytes { bytes in
            json_loadb(bytes.bindMemory(to: CChar.self).baseAddress, bytes.count, Int(JSON_REJECT_DUPLICATES), &error)
        }
        guard let root else {
            throw syntaxError(error, in: bytes)
        }
        return JSON(owning: root, depth: maximumDepth)
    }
}

/// What jansson reported, with the place where a reader would look for it.
///
/// jansson stops behind what it could not take: `position` counts the bytes that it consumed. So the offending byte is the last one
/// consumed, except where it was looked at and not taken.
private func syntaxError(_ error: json_error_t, in bytes: [UInt8]) -> JSONSyntaxError {
    var error = error
    let consumed = min(max(Int(error.position), 0), bytes.count)
    let last = startOfCharacter(around: consumed - 1, in: bytes)
    switch json_error_code(&error) {
    case json_error_duplicate_key:
        let start = startOfString(endingAt: last, in: bytes)
        return JSONSyntaxError(.duplicateMember(decodedString(bytes[start...last])), at: start, of: bytes)
    case json_error_null_character, json_error_null_byte_in_key:
        return JSONSyntaxError(.nulCharacter, at: startOfString(endingAt: last, in: bytes), of: bytes)
    case json_error_invalid_utf8:
        return JSONSyntaxError(.invalidUTF8, at: consumed, of: bytes)
    case json_error_end_of_input_expected:
        return JSONSyntaxError(.trailing, at: last, of: bytes)
    case json_error_numeric_overflow:
        return JSONSyntaxError(.numberOutOfRange, at: last, of: bytes)
    case json_error_premature_end_of_input:
        return JSONSyntaxError(.syntax, at: bytes.count, of: bytes, syntax: "it ends too early")
    default:
        let isControl = consumed < bytes.count && bytes[consumed] < 0x20
        let text = text(of: error)
        let stoppedBefore = isControl && (text.hasPrefix("control character") || text.hasPrefix("unexpected newline"))
        return JSONSyntaxError(.syntax, at: stoppedBefore ? consumed : last, of: bytes, syntax: text)
    }
}

/// The first byte of the character that the byte at `offset` belongs to; up to there the text is valid UTF-8.
private func startOfCharacter(around offset: Int, in bytes: [UInt8]) -> Int {
    var start = max(offset, 0)
    while start > 0, bytes[start] & 0b1100_0000 == 0b1000_0000 {
        start -= 1
    }
    return start
}

private func text(of error: json_error_t) -> String {
    withUnsafeBytes(of: error.text) { text in
        String(decoding: text.prefix { $0 != 0 }, as: UTF8.self)
    }
}

/// The opening quote of the string literal whose closing quote is at `end`: the nearest quote before it that no backslash escapes.
private func startOfString(endingAt end: Int, in bytes: [UInt8]) -> Int {
    var start = end - 1
    while start >= 0 {
        if bytes[start] == UInt8(ascii: "\"") {
            let backslashes = bytes[..<start].reversed().prefix { $0 == UInt8(ascii: "\\") }.count
            if backslashes.isMultiple(of: 2) { return start }
        }
        start -= 1
    }
    return max(end, 0)
}

/// The string that a literal stands for, escapes resolved; jansson itself reads it, as the one element of an array.
private func decodedString(_ literal: ArraySlice<UInt8>) -> String? {
    let document = [UInt8(ascii: "[")] + literal + [UInt8(ascii: "]")]
    return (try? JSON.parse(document))?.elements.first?.string
}
