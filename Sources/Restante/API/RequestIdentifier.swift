import HTTPServer
import Synchronization

/// The id under which a request is logged: the client's own if it is 1-64 of `A-Za-z0-9._-`, otherwise 15 hex digits: seven of this process, eight
/// counted. So many make a string that needs no memory of its own.
enum RequestIdentifier {
    private static let process = UInt64.random(in: 1 << 24..<1 << 28) << 32
    private static let count = Atomic<UInt32>(0)

    static func of(_ head: RequestHead) -> String { of(head.header("X-Request-Id")) }

    static func of(_ head: RejectedHead) -> String { of(head.header("X-Request-Id")) }

    private static func of(_ own: String?) -> String {
        if let own, isAcceptable(own) { return own }
        return make()
    }

    static func make() -> String {
        String(process | UInt64(count.wrappingAdd(1, ordering: .relaxed).newValue), radix: 16)
    }

    static func isAcceptable(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
                case UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"): true
                default: false
                }
            }
    }
}
