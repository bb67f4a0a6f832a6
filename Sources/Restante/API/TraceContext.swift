// Which trace a request belongs to.
//
//     traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01
//                  version, trace id, the caller's span id, flags (01: the caller records this trace)
//
// A client, or a proxy before us, says it; the request's log line names it, with a span id of its own, and so does every request that this one
// causes. What breaks the rules is ignored, and a new trace begins. `tracestate` belongs to tracing systems, of which this is none: it is not read, and
// not handed on, since whoever is asked next may be a stranger.
//
// Source: W3C Trace Context, sections 3.2 (the field) and 4 (processing).

import HTTPServer
import Synchronization

/// The trace of one request, and its own span in it.
struct TraceContext: Sendable, Equatable {
    /// Never both 0.
    let traceHigh: UInt64
    let traceLow: UInt64
    let span: UInt64
    /// The caller's span; nil where the trace begins here.
    let parent: UInt64?
    let isRecorded: Bool

    static func of(_ head: RequestHead) -> TraceContext {
        let fields = head.values("traceparent")
        guard fields.count == 1, let known = parse(fields[0]) else { return begin() }
        return known
    }

    /// A trace that begins here.
    static func begin() -> TraceContext {
        TraceContext(traceHigh: nextNumber(), traceLow: nextNumber(), span: nextNumber(), parent: nil, isRecorded: false)
    }

    /// A new span of the trace that `field` names; nil where it breaks the rules.
    static func parse(_ field: String) -> TraceContext? {
        let bytes = Array(field.utf8)
        guard bytes.count >= 55, [2, 35, 52].allSatisfy({ bytes[$0] == UInt8(ascii: "-") }),
            let version = number(bytes[0..<2]), version != 0xFF,
            // A later version may say more, after one more dash.
            bytes.count == 55 || version > 0 && bytes[55] == UInt8(ascii: "-"),
            let high = number(bytes[3..<19]), let low = number(bytes[19..<35]), high | low != 0,
            let parent = number(bytes[36..<52]), parent != 0, let flags = number(bytes[53..<55])
        else { return nil }
        return TraceContext(traceHigh: high, traceLow: low, span: nextNumber(), parent: parent, isRecorded: flags & 1 == 1)
    }

    /// The field for a request that this one causes.
    var field: String { "00-\(traceText)-\(spanText)-\(isRecorded ? "01" : "00")" }
    var traceText: String { Self.text(traceHigh) + Self.text(traceLow) }
    var spanText: String { Self.text(span) }
    var parentText: String? { parent.map(Self.text) }

    /// Lower-case hexadecimal digits, as the rules have them.
    private static func number(_ digits: ArraySlice<UInt8>) -> UInt64? {
        var number: UInt64 = 0
        for digit in digits {
            switch digit {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): number = number << 4 | UInt64(digit - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): number = number << 4 | UInt64(digit - UInt8(ascii: "a") + 10)
            default: return nil
            }
        }
        return number
    }

    private static func text(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    private static let seed = UInt64.random(in: .min ... .max)
    private static let count = Atomic<UInt64>(0)

    /// Numbers that look random and do not come twice, without asking the kernel for each; never 0. No secret is made of them.
    /// Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (SplitMix64).
    private static func nextNumber() -> UInt64 {
        var mixed = seed &+ count.wrappingAdd(1, ordering: .relaxed).newValue &* 0x9E37_79B9_7F4A_7C15
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        mixed ^= mixed >> 31
        return mixed == 0 ? 1 : mixed
    }
}
