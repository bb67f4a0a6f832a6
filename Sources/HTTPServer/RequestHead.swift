internal import CMicrohttpd
import Glibc

/// The header fields of a request that is turned away. Valid only during the call it is passed to.
package struct RejectedHead {
    private let fields: FieldSource

    /// A head that came over no socket.
    package init(headers: [(name: String, value: String)]) {
        fields = .listed(headers)
    }

    init(connection: OpaquePointer) {
        fields = .received(connection)
    }

    /// The first field of that name, in any case. Bytes that are not UTF-8 are shown as U+FFFD.
    package func header(_ name: StaticString) -> String? { fields.first(name) }
}

/// A request without its body. Valid only during the call it is passed to: fields are looked up in libmicrohttpd when asked for.
package struct RequestHead {
    package let method: Method
    /// Decoded, absolute, without empty or dot segments.
    package let path: String
    /// Decoded, in the order sent. A name may come more than once; a name without `=` has an empty value.
    package let query: [(name: String, value: String)]
    package let peer: PeerAddress
    /// Absent where there is no body or its length is not declared.
    package let contentLength: Int?
    package let hasBody: Bool
    private let fields: FieldSource

    /// A head that came over no socket.
    package init(
        method: Method, path: String, query: [(name: String, value: String)] = [], peer: PeerAddress, contentLength: Int? = nil,
        hasBody: Bool = false, headers: [(name: String, value: String)] = []
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.peer = peer
        self.contentLength = contentLength
        self.hasBody = hasBody
        fields = .listed(headers)
    }

    init(method: Method, target: RequestTarget, peer: PeerAddress, body: RequestGuard.Body, connection: OpaquePointer) {
        self.method = method
        path = target.path
        query = target.query
        self.peer = peer
        hasBody = body != .none
        contentLength = if case .length(let length) = body { length } else { nil }
        fields = .received(connection)
    }

    /// The first field of that name, in any case. Bytes that are not UTF-8 are shown as U+FFFD.
    package func header(_ name: StaticString) -> String? { fields.first(name) }

    /// All fields of that name, in any case, in the order sent. Bytes that are not UTF-8 are shown as U+FFFD.
    package func values(_ name: StaticString) -> [String] { fields.all(name) }
}

/// Where header fields are looked up: in libmicrohttpd when asked for, or in a list.
private enum FieldSource {
    case received(OpaquePointer)
    case listed([(name: String, value: String)])

    func first(_ name: StaticString) -> String? {
        switch self {
        case .received(let connection):
            var value: UnsafePointer<CChar>?
            var count = 0
            let found = name.utf8Start.withMemoryRebound(to: CChar.self, capacity: name.utf8CodeUnitCount) {
                MHD_lookup_connection_value_n(connection, .HEADER_KIND, $0, name.utf8CodeUnitCount, &value, &count)
            }
            guard found == .YES, let value else { return nil }
            return String(decoding: UnsafeRawBufferPointer(start: value, count: count), as: UTF8.self)
        case .listed(let list):
            let wanted = name.description.lowercased()
            return list.first { $0.name.lowercased() == wanted }?.value
        }
    }

    func all(_ name: StaticString) -> [String] {
        switch self {
        case .received(let connection):
            var search = FieldSearch(name: name)
            withUnsafeMutablePointer(to: &search) { _ = MHD_get_connection_values_n(connection, .HEADER_KIND, noteField, $0) }
            return search.values
        case .listed(let list):
            let wanted = name.description.lowercased()
            return list.filter { $0.name.lowercased() == wanted }.map(\.value)
        }
    }
}

private struct FieldSearch {
    let name: StaticString
    var values: [String] = []
}

/// One header field, on its way to a search.
private func noteField(
    context: UnsafeMutableRawPointer?, kind: MHD_ValueKind, name: UnsafePointer<CChar>?, nameCount: Int,
    value: UnsafePointer<CChar>?, valueCount: Int
) -> MHD_Result {
    guard let context, let name else { return .NO }
    let search = context.assumingMemoryBound(to: FieldSearch.self)
    let wanted = search.pointee.name
    let isSame =
        wanted.utf8CodeUnitCount == nameCount
        && wanted.utf8Start.withMemoryRebound(to: CChar.self, capacity: nameCount) { strncasecmp($0, name, nameCount) == 0 }
    guard isSame else { return .YES }
    let content = UnsafeRawBufferPointer(start: value, count: value == nil ? 0 : valueCount)
    search.pointee.values.append(String(decoding: content, as: UTF8.self))
    return .YES
}
