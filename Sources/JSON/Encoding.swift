import CJansson

extension JSON {
    /// The value as compact UTF-8 text, members in the order in which they were written.
    package func encoded() -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(256)
        encode(into: &text)
        return text
    }

    /// Appends the value's text to `text`.
    package func encode(into text: inout [UInt8]) {
        let flags = Int(JSON_COMPACT | JSON_ENCODE_ANY)
        let status = withUnsafeMutablePointer(to: &text) { text in
            withNode { json_dump_callback($0, appendFragment, text, flags) }
        }
        // jansson fails for a cycle, for invalid UTF-8 and without memory; frozen trees have no cycle and no way in for bad bytes.
        precondition(status == 0, "out of memory")
    }
}

/// jansson's `json_dump_callback_t`: takes the next piece of text for the array that `context` points to.
private func appendFragment(_ fragment: UnsafePointer<CChar>?, _ count: Int, _ context: UnsafeMutableRawPointer?) -> CInt {
    let text = context?.assumingMemoryBound(to: [UInt8].self)
    text?.pointee.append(contentsOf: UnsafeRawBufferPointer(start: fragment, count: count))
    return 0
}
