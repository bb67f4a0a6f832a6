import CJansson

extension JSON {
    package static let null = JSON(owning: json_null(), depth: 1)
    private static let `true` = JSON(owning: json_true(), depth: 1)
    private static let `false` = JSON(owning: json_false(), depth: 1)

    package static func string(_ value: String) -> JSON {
        JSON(owning: made(json_stringn_nocheck(value, value.utf8.count)), depth: 1)
    }

    /// A string of these bytes; nil where they are not valid UTF-8.
    package static func string(utf8 bytes: [UInt8]) -> JSON? {
        bytes.withUnsafeBytes { bytes in
            // An empty array need not have an address, and jansson takes none for a fault.
            guard let start = bytes.bindMemory(to: CChar.self).baseAddress else { return string("") }
            return json_stringn(start, bytes.count).map { JSON(owning: $0, depth: 1) }
        }
    }

    package static func integer(_ value: Int64) -> JSON {
        JSON(owning: made(json_integer(value)), depth: 1)
    }

    package static func integer(_ value: Int) -> JSON {
        integer(Int64(value))
    }

    /// A number with a fraction; nil for infinities and NaN, which JSON has no way to write.
    package static func real(_ value: Double) -> JSON? {
        json_real(value).map { JSON(owning: $0, depth: 1) }
    }

    package static func boolean(_ value: Bool) -> JSON {
        value ? .true : .false
    }

    package static func array(_ elements: [JSON]) -> JSON {
        let array = made(json_array())
        var depth = 0
        for element in elements {
            depth = max(depth, element.depth)
            stored(element.withNode { json_array_append(array, $0) })
        }
        return container(array, above: depth)
    }

    /// An object of these members in this order; those without a value are left out. Where a name comes twice the last counts.
    package static func object(_ members: KeyValuePairs<StaticString, JSON?>) -> JSON {
        let object = emptyObject()
        var depth = 0
        for case (let name, let value?) in members {
            depth = max(depth, value.depth)
            name.withUTF8Buffer { name in
                name.withMemoryRebound(to: CChar.self) { name in
                    stored(value.withNode { json_object_setn_nocheck(object, name.baseAddress, name.count, $0) })
                }
            }
        }
        return container(object, above: depth)
    }

    /// The same for names that are known only at run time.
    package static func object(_ members: [(String, JSON?)]) -> JSON {
        let object = emptyObject()
        var depth = 0
        for case (let name, let value?) in members {
            depth = max(depth, value.depth)
            stored(value.withNode { json_object_setn_nocheck(object, name, name.utf8.count, $0) })
        }
        return container(object, above: depth)
    }

    private static func emptyObject() -> UnsafeMutablePointer<json_t> {
        _ = hashSeeding
        return made(json_object())
    }

    private static func container(_ node: UnsafeMutablePointer<json_t>, above depth: Int) -> JSON {
        // Nesting comes from this program's own code, never from a client: what is parsed is at most `deepest` and is not nested further.
        precondition(depth < deepest, "a JSON value is nested more than \(deepest) deep")
        return JSON(owning: node, depth: depth + 1)
    }

    private static func made(_ node: UnsafeMutablePointer<json_t>?) -> UnsafeMutablePointer<json_t> {
        guard let node else { outOfMemory() }
        return node
    }

    private static func stored(_ status: CInt) {
        guard status == 0 else { outOfMemory() }
    }

    /// Valid arguments leave a failed `malloc` as the only cause for jansson to fail, and that ends the process as it does anywhere in Swift.
    private static func outOfMemory() -> Never {
        fatalError("out of memory")
    }
}
