/// PostgreSQL's number for one of its types.
///
/// Source: `src/include/catalog/pg_type.dat`; the numbers of built-in types never change.
struct TypeIdentifier: Hashable, Sendable {
    let oid: UInt32

    init(_ oid: UInt32) {
        self.oid = oid
    }

    static let bool = TypeIdentifier(16)
    static let bytes = TypeIdentifier(17)
    static let character = TypeIdentifier(18)
    static let name = TypeIdentifier(19)
    static let int64 = TypeIdentifier(20)
    static let int16 = TypeIdentifier(21)
    static let int32 = TypeIdentifier(23)
    static let text = TypeIdentifier(25)
    static let json = TypeIdentifier(114)
    static let unknown = TypeIdentifier(705)
    static let blankPaddedText = TypeIdentifier(1042)
    static let boundedText = TypeIdentifier(1043)
    static let timestamp = TypeIdentifier(1184)
    static let uuid = TypeIdentifier(2950)

    static let bools = TypeIdentifier(1000)
    static let byteArrays = TypeIdentifier(1001)
    static let int16s = TypeIdentifier(1005)
    static let int32s = TypeIdentifier(1007)
    static let texts = TypeIdentifier(1009)
    static let int64s = TypeIdentifier(1016)
    static let timestamps = TypeIdentifier(1185)
    static let uuids = TypeIdentifier(2951)

    /// Types made by CREATE TYPE, enums among them, are numbered from here on.
    private static let firstUserDefined: UInt32 = 16384

    /// Whether the binary form is the text itself. True of enums, which are user-defined.
    var isTextual: Bool {
        switch self {
        case .text, .boundedText, .blankPaddedText, .name, .character, .json, .unknown: true
        default: oid >= TypeIdentifier.firstUserDefined
        }
    }
}

/// The day PostgreSQL counts from, 2000-01-01 UTC, in milliseconds since 1970.
let postgresEpochMilliseconds: Int64 = 946_684_800_000
