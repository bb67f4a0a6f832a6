import CJansson

extension JSON {
    package var kind: Kind {
        switch type {
        case JSON_OBJECT: .object
        case JSON_ARRAY: .array
        case JSON_STRING: .string
        case JSON_INTEGER: .integer
        case JSON_REAL: .real
        case JSON_TRUE, JSON_FALSE: .boolean
        default: .null
        }
    }

    /// How many members an object or elements an array has; 0 for all else.
    package var count: Int {
        withNode { type == JSON_ARRAY ? json_array_size($0) : json_object_size($0) }
    }

    /// The member of that name, compared byte by byte; nil where there is none or this is no object.
    package subscript(_ name: String) -> JSON? {
        withNode { json_object_getn($0, name, name.utf8.count) }.map { JSON($0, in: self) }
    }

    /// The members of an object in the order in which they were written; none where this is no object.
    package var members: Members { Members(object: self) }

    /// The elements of an array; none where this is no array.
    package var elements: Elements { Elements(array: self) }

    package var string: String? {
        withUTF8 { String(decoding: $0, as: UTF8.self) }
    }

    /// A string's bytes: valid UTF-8, and without NUL where they came from `parse`.
    package var utf8: [UInt8]? {
        withUTF8 { [UInt8]($0) }
    }

    /// How long a string is in bytes, without reading it.
    package var utf8Count: Int? {
        type == JSON_STRING ? withNode { json_string_length($0) } : nil
    }

    /// The value of an integer; nil for a real, even one without a fraction.
    package var integer: Int64? {
        type == JSON_INTEGER ? withNode { json_integer_value($0) } : nil
    }

    /// The value of a real or, rounded to the nearest, of an integer.
    package var real: Double? {
        type == JSON_REAL || type == JSON_INTEGER ? withNode { json_number_value($0) } : nil
    }

    package var boolean: Bool? {
        kind == .boolean ? type == JSON_TRUE : nil
    }

    /// Lends a string's bytes for the length of `body`; nil where this is no string.
    package func withUTF8<Result>(_ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result? {
        withNode { node in
            json_string_value(node).map { body(bytes(at: $0, count: json_string_length(node))) }
        }
    }

    private var type: json_type { withNode { $0.pointee.type } }
}

extension JSON {
    /// An object's members, in the order in which they were written.
    package struct Members: Sequence {
        fileprivate let object: JSON

        package func makeIterator() -> Iterator {
            Iterator(object: object, upcoming: object.withNode { json_object_iter($0) })
        }

        package struct Iterator: IteratorProtocol {
            fileprivate let object: JSON
            fileprivate var upcoming: UnsafeMutableRawPointer?

            package mutating func next() -> (key: String, value: JSON)? {
                guard let member = upcoming else { return nil }
                upcoming = object.withNode { json_object_iter_next($0, member) }
                return object.withNode { _ in
                    guard let key = json_object_iter_key(member), let value = json_object_iter_value(member) else { return nil }
                    let name = String(decoding: bytes(at: key, count: json_object_iter_key_len(member)), as: UTF8.self)
                    return (name, JSON(value, in: object))
                }
            }
        }
    }

    /// An array's elements.
    package struct Elements: RandomAccessCollection {
        fileprivate let array: JSON

        package var startIndex: Int { 0 }
        package var endIndex: Int { array.withNode { json_array_size($0) } }

        package subscript(_ position: Int) -> JSON {
            guard let element = array.withNode({ json_array_get($0, position) }) else {
                // As for every collection, a position outside of `indices` is a fault of the calling code.
                preconditionFailure("position \(position) is outside of an array of \(count)")
            }
            return JSON(element, in: array)
        }
    }
}

private func bytes(at characters: UnsafePointer<CChar>, count: Int) -> UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(start: UnsafeRawPointer(characters).assumingMemoryBound(to: UInt8.self), count: count)
}
