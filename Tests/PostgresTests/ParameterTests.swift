import Testing

@testable import Postgres

/// Each value goes to a real server, which says as text what it understood, and comes back as it was.
@Suite struct ParameterTests {
    private let connection: Connection
    private let one = Identifier(high: 0x0190_f3a2_7c4e_7def, low: 0x8123_4567_89ab_cdef)
    private let two = Identifier(high: .max, low: 0)

    init() throws {
        connection = try TestServer.connect()
    }

    private func row(_ parameter: Parameter) throws -> Row {
        // A name for each parameter type: one name stands for one list of types.
        let sql: StaticString = "SELECT $1, $1::text"
        try connection.execute(simple: "DEALLOCATE ALL", within: 2)
        connection.prepared.removeAll()
        return try #require(connection.execute(Statement("echo", sql), [parameter]).first)
    }

    private func text(_ parameter: Parameter) throws -> String? {
        try row(parameter).optionalText(1)
    }

    @Test func booleans() throws {
        for value in [true, false] {
            #expect(try row(.bool(value)).bool(0) == value)
            #expect(try text(.bool(value)) == "\(value)")
        }
    }

    @Test(arguments: [0, 1, -1, Int16.min, .max]) func int16(value: Int16) throws {
        #expect(try row(.int16(value)).int16(0) == value)
        #expect(try row(.int16(value)).int32(0) == Int32(value))
        #expect(try row(.int16(value)).int64(0) == Int64(value))
        #expect(try text(.int16(value)) == "\(value)")
    }

    @Test(arguments: [0, 1, -1, Int32.min, .max]) func int32(value: Int32) throws {
        #expect(try row(.int32(value)).int32(0) == value)
        #expect(try row(.int32(value)).int64(0) == Int64(value))
        #expect(try text(.int32(value)) == "\(value)")
    }

    @Test(arguments: [0, 1, -1, Int64.min, .max]) func int64(value: Int64) throws {
        #expect(try row(.int64(value)).int64(0) == value)
        #expect(try text(.int64(value)) == "\(value)")
    }

    @Test func identifiers() throws {
        #expect(try row(.uuid(one)).uuid(0) == one)
        #expect(try text(.uuid(one)) == one.description)
    }

    @Test(arguments: ["", "a", "Grüße, 世界 👩‍👩‍👧‍👦", String(repeating: "ü", count: 100_000), "'; DROP TABLE x; --"])
    func strings(value: String) throws {
        #expect(try row(.text(value)).text(0) == value)
    }

    @Test func byteStringsWithAnyByteAndOfAnyLength() throws {
        let mebibyte = [UInt8]((0..<1 << 20).map { UInt8(truncatingIfNeeded: $0 &* 31) })
        for value in [[], [0], [0, 1, 0, 255], mebibyte] {
            #expect(try row(.bytes(value)).bytes(0) == value)
        }
        #expect(try text(.bytes([0, 1, 255])) == "\\x0001ff")
        #expect(try row(.bytes(mebibyte)).withBytes(0) { $0?.count } == 1 << 20)
    }

    @Test(arguments: [0, 1, -1, 946_684_800_000, 1_767_225_600_123, -62_135_596_800_000])
    func timestamps(value: Int64) throws {
        #expect(try row(.timestamp(value)).timestamp(0) == value)
    }

    @Test func timestampsMeanMillisecondsSince1970() throws {
        try connection.execute(simple: "SET timezone = 'UTC'", within: 2)
        #expect(try text(.timestamp(1_767_225_600_123)) == "2026-01-01 00:00:00.123+00")
        #expect(throws: PostgresError.self) { try row(.timestamp(.max)) }
    }

    @Test func absentValues() throws {
        #expect(try row(.optionalBool(nil)).optionalBool(0) == nil)
        #expect(try row(.optionalInt16(nil)).optionalInt16(0) == nil)
        #expect(try row(.optionalInt32(nil)).optionalInt32(0) == nil)
        #expect(try row(.optionalInt64(nil)).optionalInt64(0) == nil)
        #expect(try row(.optionalUUID(nil)).optionalUUID(0) == nil)
        #expect(try row(.optionalText(nil)).optionalText(0) == nil)
        #expect(try row(.optionalBytes(nil)).optionalBytes(0) == nil)
        #expect(try row(.optionalTimestamp(nil)).optionalTimestamp(0) == nil)
        #expect(try row(.optionalText(nil)).isNull(0))
        #expect(try row(.optionalBytes(nil)).withBytes(0) { $0 == nil })
    }

    @Test func optionalValuesThatAreThere() throws {
        #expect(try row(.optionalBool(true)).optionalBool(0) == true)
        #expect(try row(.optionalInt16(-2)).optionalInt16(0) == -2)
        #expect(try row(.optionalInt32(-3)).optionalInt32(0) == -3)
        #expect(try row(.optionalInt64(-4)).optionalInt64(0) == -4)
        #expect(try row(.optionalUUID(two)).optionalUUID(0) == two)
        #expect(try row(.optionalText("")).optionalText(0) == "")
        #expect(try row(.optionalBytes([])).optionalBytes(0) == [])
        #expect(try row(.optionalTimestamp(-5)).optionalTimestamp(0) == -5)
        #expect(try !row(.optionalText("")).isNull(0))
    }

    @Test func arrays() throws {
        #expect(try row(.bools([true, false])).bools(0) == [true, false])
        #expect(try row(.int16s([1, -1, .max])).int16s(0) == [1, -1, .max])
        #expect(try row(.int32s([1, -1, .max])).int32s(0) == [1, -1, .max])
        #expect(try row(.int64s([1, -1, .max])).int64s(0) == [1, -1, .max])
        #expect(try row(.uuids([one, two])).uuids(0) == [one, two])
        #expect(try row(.texts(["", "ü,\"{}"])).texts(0) == ["", "ü,\"{}"])
        #expect(try row(.byteArrays([[], [0, 1], [255]])).byteArrays(0) == [[], [0, 1], [255]])
        #expect(try row(.timestamps([0, -1])).timestamps(0) == [0, -1])
        let many = (0..<10_000).map { Identifier(high: UInt64($0), low: 1) }
        #expect(try row(.uuids(many)).uuids(0) == many)
    }

    @Test func emptyArrays() throws {
        for parameter: Parameter in [
            .bools([]), .int16s([]), .int32s([]), .int64s([]), .uuids([]), .texts([]), .byteArrays([]), .timestamps([]),
            .optionalInt16s([]), .optionalInt32s([]), .optionalInt64s([]), .optionalUUIDs([]), .optionalTexts([]),
            .optionalByteArrays([]), .optionalTimestamps([]),
        ] {
            #expect(try text(parameter) == "{}")
        }
        #expect(try row(.uuids([])).uuids(0) == [])
    }

    @Test func arraysWithAbsentElements() throws {
        #expect(try text(.optionalInt16s([1, nil])) == "{1,NULL}")
        #expect(try text(.optionalInt32s([nil, 2])) == "{NULL,2}")
        #expect(try text(.optionalInt64s([nil])) == "{NULL}")
        #expect(try text(.optionalUUIDs([one, nil])) == "{\(one),NULL}")
        #expect(try text(.optionalTexts(["", nil, "NULL"])) == "{\"\",NULL,\"NULL\"}")
        #expect(try text(.optionalByteArrays([[], nil, [1]])) == "{\"\\\\x\",NULL,\"\\\\x01\"}")
        #expect(try text(.optionalTimestamps([nil, nil])) == "{NULL,NULL}")
        #expect(throws: PostgresError.self) { try row(.optionalUUIDs([one, nil])).uuids(0) }
    }
}
