/// A value for one `$n` of a statement, sent in PostgreSQL's binary form under its own type.
///
/// Timestamps are milliseconds since 1970-01-01 UTC and become `timestamptz`. Where a column wants another type
/// (an enum, `jsonb`), the SQL casts: `$1::jsonb`.
package enum Parameter: Sendable {
    case bool(Bool)
    case int16(Int16)
    case int32(Int32)
    case int64(Int64)
    case uuid(Identifier)
    case text(String)
    case bytes([UInt8])
    case timestamp(Int64)

    case optionalBool(Bool?)
    case optionalInt16(Int16?)
    case optionalInt32(Int32?)
    case optionalInt64(Int64?)
    case optionalUUID(Identifier?)
    case optionalText(String?)
    case optionalBytes([UInt8]?)
    case optionalTimestamp(Int64?)

    case bools([Bool])
    case int16s([Int16])
    case int32s([Int32])
    case int64s([Int64])
    case uuids([Identifier])
    case texts([String])
    case byteArrays([[UInt8]])
    case timestamps([Int64])

    case optionalInt16s([Int16?])
    case optionalInt32s([Int32?])
    case optionalInt64s([Int64?])
    case optionalUUIDs([Identifier?])
    case optionalTexts([String?])
    case optionalByteArrays([[UInt8]?])
    case optionalTimestamps([Int64?])
}

extension Parameter {
    var type: TypeIdentifier {
        switch self {
        case .bool, .optionalBool: .bool
        case .int16, .optionalInt16: .int16
        case .int32, .optionalInt32: .int32
        case .int64, .optionalInt64: .int64
        case .uuid, .optionalUUID: .uuid
        case .text, .optionalText: .text
        case .bytes, .optionalBytes: .bytes
        case .timestamp, .optionalTimestamp: .timestamp
        case .bools: .bools
        case .int16s, .optionalInt16s: .int16s
        case .int32s, .optionalInt32s: .int32s
        case .int64s, .optionalInt64s: .int64s
        case .uuids, .optionalUUIDs: .uuids
        case .texts, .optionalTexts: .texts
        case .byteArrays, .optionalByteArrays: .byteArrays
        case .timestamps, .optionalTimestamps: .timestamps
        }
    }
}
