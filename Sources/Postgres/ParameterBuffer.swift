/// The parameters of one call, encoded one after the other into one buffer that is used again for the next call.
///
/// A batch of 500 identifiers costs one growth of the buffer and no allocation for each.
///
/// Source: the binary forms are those of the `*_recv` functions (`array_recv`, `uuid_recv`, …) in `src/backend/utils/adt`.
struct ParameterBuffer {
    private var bytes: [UInt8] = []
    private var offsets: [Int?] = []
    private var lengths: [Int32] = []
    private var pointers: [UnsafePointer<CChar>?] = []
    private var formats: [Int32] = []

    /// Most parameters one call may have. Source: protocol message Bind, whose count is an Int16 read as unsigned.
    private static let maximumCount = 65_535

    /// Encodes `parameters`, in place of what was there before.
    mutating func encode(_ parameters: [Parameter]) throws(PostgresError) {
        guard parameters.count <= ParameterBuffer.maximumCount else { throw .misuse("\(parameters.count) parameters in one call") }
        bytes.removeAll(keepingCapacity: true)
        offsets.removeAll(keepingCapacity: true)
        lengths.removeAll(keepingCapacity: true)
        for parameter in parameters {
            let start = bytes.count
            let isPresent = try append(parameter)
            guard let length = Int32(exactly: bytes.count - start) else { throw .misuse("a parameter of 2 GiB or more") }
            offsets.append(isPresent ? start : nil)
            lengths.append(length)
        }
    }

    /// Lends the encoded values as libpq wants them: count, values, lengths, formats (all binary). Valid within `body` only.
    mutating func withArguments<T>(
        _ body: (Int32, UnsafePointer<UnsafePointer<CChar>?>?, UnsafePointer<Int32>?, UnsafePointer<Int32>?) -> T
    ) -> T {
        // An empty buffer may have no address, and a NULL value would mean SQL NULL.
        if bytes.isEmpty { bytes.append(0) }
        while formats.count < offsets.count { formats.append(1) }
        return bytes.withUnsafeBytes { raw in
            let base = raw.assumingMemoryBound(to: CChar.self).baseAddress
            pointers.removeAll(keepingCapacity: true)
            for offset in offsets { pointers.append(offset.flatMap { base?.advanced(by: $0) }) }
            return pointers.withUnsafeBufferPointer { values in
                lengths.withUnsafeBufferPointer { lengths in
                    formats.withUnsafeBufferPointer { formats in
                        body(Int32(values.count), values.baseAddress, lengths.baseAddress, formats.baseAddress)
                    }
                }
            }
        }
    }

    /// Appends one value; false means that it is NULL.
    private mutating func append(_ parameter: Parameter) throws(PostgresError) -> Bool {
        switch parameter {
        case .bool(let value): bytes.append(value)
        case .int16(let value): bytes.append(bigEndian: value)
        case .int32(let value): bytes.append(bigEndian: value)
        case .int64(let value): bytes.append(bigEndian: value)
        case .uuid(let value): bytes.append(value)
        case .text(let value): bytes.append(contentsOf: value.utf8)
        case .bytes(let value): bytes.append(contentsOf: value)
        case .timestamp(let value): bytes.append(bigEndian: try microseconds(fromMilliseconds: value))

        case .optionalBool(let value): return try append(value.map { .bool($0) })
        case .optionalInt16(let value): return try append(value.map { .int16($0) })
        case .optionalInt32(let value): return try append(value.map { .int32($0) })
        case .optionalInt64(let value): return try append(value.map { .int64($0) })
        case .optionalUUID(let value): return try append(value.map { .uuid($0) })
        case .optionalText(let value): return try append(value.map { .text($0) })
        case .optionalBytes(let value): return try append(value.map { .bytes($0) })
        case .optionalTimestamp(let value): return try append(value.map { .timestamp($0) })

        case .bools(let values): appendArray(of: .bool, values) { $0.append($1) }
        case .int16s(let values): appendArray(of: .int16, values) { $0.append(bigEndian: $1) }
        case .int32s(let values): appendArray(of: .int32, values) { $0.append(bigEndian: $1) }
        case .int64s(let values): appendArray(of: .int64, values) { $0.append(bigEndian: $1) }
        case .uuids(let values): appendArray(of: .uuid, values) { $0.append($1) }
        case .texts(let values): appendArray(of: .text, values) { $0.append(contentsOf: $1.utf8) }
        case .byteArrays(let values): appendArray(of: .bytes, values) { $0.append(contentsOf: $1) }
        case .timestamps(let values): appendArray(of: .timestamp, try microseconds(values)) { $0.append(bigEndian: $1) }

        case .optionalInt16s(let values): appendOptionals(of: .int16, values) { $0.append(bigEndian: $1) }
        case .optionalInt32s(let values): appendOptionals(of: .int32, values) { $0.append(bigEndian: $1) }
        case .optionalInt64s(let values): appendOptionals(of: .int64, values) { $0.append(bigEndian: $1) }
        case .optionalUUIDs(let values): appendOptionals(of: .uuid, values) { $0.append($1) }
        case .optionalTexts(let values): appendOptionals(of: .text, values) { $0.append(contentsOf: $1.utf8) }
        case .optionalByteArrays(let values): appendOptionals(of: .bytes, values) { $0.append(contentsOf: $1) }
        case .optionalTimestamps(let values): appendOptionals(of: .timestamp, try microseconds(values)) { $0.append(bigEndian: $1) }
        }
        return true
    }

    private mutating func append(_ parameter: Parameter?) throws(PostgresError) -> Bool {
        guard let parameter else { return false }
        return try append(parameter)
    }

    private mutating func appendArray<Element>(
        of type: TypeIdentifier, _ elements: [Element], _ write: (inout [UInt8], Element) -> Void
    ) {
        appendArrayHeader(of: type, count: elements.count, hasNulls: false)
        for element in elements { appendElement(element, write) }
    }

    private mutating func appendOptionals<Element>(
        of type: TypeIdentifier, _ elements: [Element?], _ write: (inout [UInt8], Element) -> Void
    ) {
        appendArrayHeader(of: type, count: elements.count, hasNulls: elements.contains { $0 == nil })
        for element in elements {
            if let element { appendElement(element, write) } else { bytes.append(bigEndian: Int32(-1)) }
        }
    }

    /// Dimensions, null flag, element type; then for the one dimension its length and lower bound. An empty array has no dimension.
    private mutating func appendArrayHeader(of type: TypeIdentifier, count: Int, hasNulls: Bool) {
        bytes.append(bigEndian: Int32(count == 0 ? 0 : 1))
        bytes.append(bigEndian: Int32(hasNulls ? 1 : 0))
        bytes.append(bigEndian: type.oid)
        guard count > 0 else { return }
        bytes.append(bigEndian: Int32(truncatingIfNeeded: count))
        bytes.append(bigEndian: Int32(1))
    }

    /// The length comes before the element but is known only after it, so its place is kept and filled in.
    /// An overlong element is refused with the whole parameter, in `encode`.
    private mutating func appendElement<Element>(_ element: Element, _ write: (inout [UInt8], Element) -> Void) {
        let start = bytes.count
        bytes.append(bigEndian: Int32(0))
        write(&bytes, element)
        let length = UInt32(truncatingIfNeeded: bytes.count - start - 4)
        bytes[start] = UInt8(truncatingIfNeeded: length >> 24)
        bytes[start + 1] = UInt8(truncatingIfNeeded: length >> 16)
        bytes[start + 2] = UInt8(truncatingIfNeeded: length >> 8)
        bytes[start + 3] = UInt8(truncatingIfNeeded: length)
    }
}

extension [UInt8] {
    fileprivate mutating func append(_ value: Bool) {
        append(value ? 1 : 0 as UInt8)
    }

    fileprivate mutating func append(_ value: Identifier) {
        append(bigEndian: value.high)
        append(bigEndian: value.low)
    }

    fileprivate mutating func append(bigEndian value: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: value.bigEndian) { append(contentsOf: $0) }
    }
}

/// Converts to what `timestamptz` holds: microseconds since 2000-01-01 UTC.
private func microseconds(fromMilliseconds value: Int64) throws(PostgresError) -> Int64 {
    let (sinceEpoch, underflow) = value.subtractingReportingOverflow(postgresEpochMilliseconds)
    let (microseconds, overflow) = sinceEpoch.multipliedReportingOverflow(by: 1000)
    guard !underflow, !overflow else { throw .misuse("timestamp \(value) ms is out of range") }
    return microseconds
}

private func microseconds(_ values: [Int64]) throws(PostgresError) -> [Int64] {
    var converted: [Int64] = []
    converted.reserveCapacity(values.count)
    for value in values { converted.append(try microseconds(fromMilliseconds: value)) }
    return converted
}

private func microseconds(_ values: [Int64?]) throws(PostgresError) -> [Int64?] {
    var converted: [Int64?] = []
    converted.reserveCapacity(values.count)
    for value in values {
        if let value { converted.append(try microseconds(fromMilliseconds: value)) } else { converted.append(nil) }
    }
    return converted
}
