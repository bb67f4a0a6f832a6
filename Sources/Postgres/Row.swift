/// One row of a result, read by column number from zero.
///
/// Every reader throws `PostgresError.decoding`, and never traps, when the column is not there, is of another type, or is
/// NULL where the reader's name does not say `optional`.
package struct Row: Sendable {
    let result: QueryResult
    let index: Int

    package func isNull(_ column: Int) throws(PostgresError) -> Bool {
        try field(column, accepting: { _ in true }, named: "any").bytes == nil
    }

    package func bool(_ column: Int) throws(PostgresError) -> Bool { try present(optionalBool(column), column) }
    package func int16(_ column: Int) throws(PostgresError) -> Int16 { try present(optionalInt16(column), column) }
    package func int32(_ column: Int) throws(PostgresError) -> Int32 { try present(optionalInt32(column), column) }
    package func int64(_ column: Int) throws(PostgresError) -> Int64 { try present(optionalInt64(column), column) }
    package func uuid(_ column: Int) throws(PostgresError) -> Identifier { try present(optionalUUID(column), column) }
    package func text(_ column: Int) throws(PostgresError) -> String { try present(optionalText(column), column) }
    package func bytes(_ column: Int) throws(PostgresError) -> [UInt8] { try present(optionalBytes(column), column) }

    /// Milliseconds since 1970-01-01 UTC, rounded down.
    package func timestamp(_ column: Int) throws(PostgresError) -> Int64 { try present(optionalTimestamp(column), column) }

    package func optionalBool(_ column: Int) throws(PostgresError) -> Bool? {
        try read(column, .bool) { $0.count == 1 ? $0[0] != 0 : nil }
    }

    package func optionalInt16(_ column: Int) throws(PostgresError) -> Int16? {
        try integer(column, [.int16])
    }

    /// Reads `smallint` as well.
    package func optionalInt32(_ column: Int) throws(PostgresError) -> Int32? {
        try integer(column, [.int32, .int16])
    }

    /// Reads `integer` and `smallint` as well.
    package func optionalInt64(_ column: Int) throws(PostgresError) -> Int64? {
        try integer(column, [.int64, .int32, .int16])
    }

    package func optionalUUID(_ column: Int) throws(PostgresError) -> Identifier? {
        try read(column, .uuid, Identifier.init(binary:))
    }

    /// Reads text types, enums and json; not jsonb, which the SQL casts: `column::text`.
    package func optionalText(_ column: Int) throws(PostgresError) -> String? {
        let field = try field(column, accepting: \.isTextual, named: "text")
        guard let bytes = field.bytes else { return nil }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw .decoding("column \(column) is not UTF-8") }
        return text
    }

    package func optionalBytes(_ column: Int) throws(PostgresError) -> [UInt8]? {
        try read(column, .bytes) { Array($0) }
    }

    package func optionalTimestamp(_ column: Int) throws(PostgresError) -> Int64? {
        try read(column, .timestamp, milliseconds(binary:))
    }

    /// Lends the bytes of a `bytea` without copying them; nil for NULL.
    package func withBytes<T>(_ column: Int, _ body: (UnsafeRawBufferPointer?) -> T) throws(PostgresError) -> T {
        let field = try field(column, accepting: { $0 == .bytes }, named: "bytea")
        return withExtendedLifetime(result) { body(field.bytes) }
    }

    private func present<T>(_ value: T?, _ column: Int) throws(PostgresError) -> T {
        guard let value else { throw .decoding("column \(column) is NULL") }
        return value
    }

    private func integer<T: FixedWidthInteger>(_ column: Int, _ types: [TypeIdentifier]) throws(PostgresError) -> T? {
        let field = try field(column, accepting: types.contains, named: "\(T.self)")
        guard let bytes = field.bytes else { return nil }
        return switch field.type {
        case .int16: Int16(binary: bytes).map { T(truncatingIfNeeded: $0) }
        case .int32: Int32(binary: bytes).map { T(truncatingIfNeeded: $0) }
        default: Int64(binary: bytes).map { T(truncatingIfNeeded: $0) }
        }
    }

    func read<T>(
        _ column: Int, _ type: TypeIdentifier, _ decode: (UnsafeRawBufferPointer) -> T?
    ) throws(PostgresError) -> T? {
        let field = try field(column, accepting: { $0 == type }, named: "type \(type.oid)")
        guard let bytes = field.bytes else { return nil }
        guard let value = withExtendedLifetime(result, { decode(bytes) }) else {
            throw .decoding("column \(column) holds \(bytes.count) bytes that are no \(T.self)")
        }
        return value
    }

    private func field(
        _ column: Int, accepting isAccepted: (TypeIdentifier) -> Bool, named expected: @autoclosure () -> String
    ) throws(PostgresError) -> (type: TypeIdentifier, bytes: UnsafeRawBufferPointer?) {
        guard column >= 0, column < result.columnCount, index >= 0, index < result.rowCount else {
            throw .decoding("no column \(column) in row \(index) of \(result.rowCount) x \(result.columnCount)")
        }
        let type = result.type(ofColumn: column)
        guard isAccepted(type) else { throw .decoding("column \(column) is of type \(type.oid), not \(expected())") }
        return (type, result.value(row: index, column: column))
    }
}
