/// What a download asks for: its conditions, and which bytes.
///
/// Source: RFC 9110, 13.1.2 (If-None-Match), 13.1.5 (If-Range) and 14.2 (Range). One range only; several are answered with the whole, as the RFC
/// allows. There are no dates: a content never changes under its tag.
struct MediaRange {
    enum Answer: Equatable {
        case whole
        case part(Range<Int>)
        case notModified
        case notSatisfiable
    }

    /// - Parameter range: nil where the method knows no ranges, too.
    static func answer(size: Int, tag: String, range: String?, ifNoneMatch: String?, ifRange: String?) -> Answer {
        if let ifNoneMatch, matches(ifNoneMatch, tag) { return .notModified }
        guard let range, ifRange.map({ $0.utf8.elementsEqual(tag.utf8) }) ?? true, let wanted = parse(range) else { return .whole }
        switch wanted {
        case .from(let first, let last):
            guard first < size else { return .notSatisfiable }
            return .part(first..<min(size, (last ?? size - 1).addingReportingOverflow(1).partialValue))
        case .last(let count):
            guard count > 0, size > 0 else { return .notSatisfiable }
            return .part(max(0, size - count)..<size)
        }
    }

    private enum Wanted {
        case from(Int, to: Int?)
        case last(Int)
    }

    /// Nil where it is no range of bytes, or more than one.
    private static func parse(_ range: String) -> Wanted? {
        guard range.prefix(6).lowercased() == "bytes=" else { return nil }
        let ends = range.dropFirst(6).trimmingSpaces().split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count == 2 else { return nil }
        if ends[0].isEmpty { return number(ends[1]).map(Wanted.last) }
        guard let first = number(ends[0]) else { return nil }
        if ends[1].isEmpty { return .from(first, to: nil) }
        guard let last = number(ends[1]), last >= first else { return nil }
        return .from(first, to: last)
    }

    /// Digits only; beyond 18 of them, more than any size.
    private static func number(_ text: Substring) -> Int? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
        return text.utf8.count > 18 ? Int.max - 1 : Int(text)
    }

    /// Weak comparison, as this condition wants it.
    private static func matches(_ list: String, _ tag: String) -> Bool {
        list.split(separator: ",").contains { entry in
            var entry = entry.trimmingSpaces()
            if entry.utf8.elementsEqual("*".utf8) { return true }
            if entry.hasPrefix("W/") { entry = entry.dropFirst(2) }
            return entry.utf8.elementsEqual(tag.utf8)
        }
    }
}
