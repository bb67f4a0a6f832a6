// Values out of PostgreSQL's binary form. Each is nil where the bytes are not of that form.
// Source: the `*_send` functions (`array_send`, `uuid_send`, …) in `src/backend/utils/adt`.

extension FixedWidthInteger {
    init?(binary bytes: UnsafeRawBufferPointer) {
        guard bytes.count == Self.bitWidth / 8 else { return nil }
        self = Self(bigEndian: bytes.loadUnaligned(as: Self.self))
    }
}

extension Identifier {
    init?(binary bytes: UnsafeRawBufferPointer) {
        guard bytes.count == 16 else { return nil }
        self.init(
            high: UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
            low: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
    }
}

/// A `timestamptz` as milliseconds since 1970-01-01 UTC, rounded down; `infinity` and what lies beyond Int64 are nil.
func milliseconds(binary bytes: UnsafeRawBufferPointer) -> Int64? {
    guard let microseconds = Int64(binary: bytes), microseconds != .max, microseconds != .min else { return nil }
    let rounded = microseconds >= 0 ? microseconds / 1000 : -((999 - microseconds) / 1000)
    return rounded + postgresEpochMilliseconds
}

extension Row {
    package func uuids(_ column: Int) throws(PostgresError) -> [Identifier] {
        try array(column, .uuids, Identifier.init(binary:))
    }

    package func texts(_ column: Int) throws(PostgresError) -> [String] {
        try array(column, .texts) { String(validating: $0, as: UTF8.self) }
    }

    package func byteArrays(_ column: Int) throws(PostgresError) -> [[UInt8]] {
        try array(column, .byteArrays) { Array($0) }
    }

    package func bools(_ column: Int) throws(PostgresError) -> [Bool] {
        try array(column, .bools) { $0.count == 1 ? $0[0] != 0 : nil }
    }

    package func int16s(_ column: Int) throws(PostgresError) -> [Int16] {
        try array(column, .int16s, Int16.init(binary:))
    }

    package func int32s(_ column: Int) throws(PostgresError) -> [Int32] {
        try array(column, .int32s, Int32.init(binary:))
    }

    package func int64s(_ column: Int) throws(PostgresError) -> [Int64] {
        try array(column, .int64s, Int64.init(binary:))
    }

    package func timestamps(_ column: Int) throws(PostgresError) -> [Int64] {
        try array(column, .timestamps, milliseconds(binary:))
    }

    /// Reads an array of one dimension; one that holds a NULL, or is NULL itself, is refused.
    private func array<T>(
        _ column: Int, _ type: TypeIdentifier, _ decode: (UnsafeRawBufferPointer) -> T?
    ) throws(PostgresError) -> [T] {
        guard let elements = try read(column, type, { decodeArray($0, decode) }) else {
            throw .decoding("column \(column) is NULL")
        }
        return elements
    }
}

/// Dimensions, null flag, element type, length and lower bound; then each element after its own length.
private func decodeArray<T>(_ bytes: UnsafeRawBufferPointer, _ decode: (UnsafeRawBufferPointer) -> T?) -> [T]? {
    var rest = bytes[...]
    guard let dimensions = nextInt32(&rest), nextInt32(&rest) != nil, nextInt32(&rest) != nil else { return nil }
    if dimensions == 0 { return [] }
    guard dimensions == 1, let count = nextInt32(&rest), nextInt32(&rest) != nil else { return nil }
    var elements: [T] = []
    for _ in 0..<max(count, 0) {
        guard let length = nextInt32(&rest), length >= 0, rest.count >= Int(length) else { return nil }
        guard let element = decode(UnsafeRawBufferPointer(rebasing: rest.prefix(Int(length)))) else { return nil }
        elements.append(element)
        rest = rest.dropFirst(Int(length))
    }
    return elements
}

private func nextInt32(_ rest: inout Slice<UnsafeRawBufferPointer>) -> Int32? {
    guard let value = Int32(binary: UnsafeRawBufferPointer(rebasing: rest.prefix(4))) else { return nil }
    rest = rest.dropFirst(4)
    return value
}
