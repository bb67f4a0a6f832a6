import Postgres
import Testing

@testable import Restante

@Suite struct TimestampTests {
    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (1, "1970-01-01T00:00:00.001Z"), (-1, "1969-12-31T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"), (1_709_251_199_999, "2024-02-29T23:59:59.999Z"),
            (1_709_251_200_000, "2024-03-01T00:00:00.000Z"), (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (1_769_860_800_123, "2026-01-31T12:00:00.123Z"), (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
            (-62_167_219_200_000, "0000-01-01T00:00:00.000Z"),
        ] as [(Int64, String)])
    func aMomentAndItsTextAreTheSame(milliseconds: Int64, text: String) {
        #expect(Timestamp(milliseconds: milliseconds).description == text)
        #expect(Timestamp(text)?.milliseconds == milliseconds)
    }

    @Test func everyDayOfFourCenturiesIsReadAsItIsWritten() {
        var days = Set<String>()
        for day in 0..<146_097 as Range<Int64> {
            let timestamp = Timestamp(milliseconds: day * 86_400_000 + 43_200_000)
            #expect(Timestamp(timestamp.description) == timestamp)
            days.insert(String(timestamp.description.prefix(10)))
        }
        #expect(days.count == 146_097)
    }

    @Test(arguments: [
        ("2026-01-31T13:00:00.123+01:00", "2026-01-31T12:00:00.123Z"), ("2026-01-31T06:30:00-05:30", "2026-01-31T12:00:00.000Z"),
        ("2026-01-01T00:30:00+01:00", "2025-12-31T23:30:00.000Z"), ("2026-01-31T12:00:00-00:00", "2026-01-31T12:00:00.000Z"),
        ("2026-01-31t12:00:00z", "2026-01-31T12:00:00.000Z"), ("2026-01-31T12:00:00.1Z", "2026-01-31T12:00:00.100Z"),
        ("2026-01-31T12:00:00.12Z", "2026-01-31T12:00:00.120Z"), ("2026-01-31T12:00:00.123999999Z", "2026-01-31T12:00:00.123Z"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000Z"),
    ])
    func otherFormsOfRFC3339AreRead(text: String, moment: String) {
        #expect(Timestamp(text)?.description == moment)
    }

    @Test(arguments: [
        "", "2026", "2026-01-31", "2026-01-31T12:00:00", "2026-01-31 12:00:00Z", "2026-01-31T12:00Z", "2026-01-31T12:00:00.Z",
        "2026-01-31T12:00:00Zx",
        "2026-00-01T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-00T00:00:00Z", "2026-01-32T00:00:00Z", "2026-04-31T00:00:00Z",
        "2025-02-29T00:00:00Z", "2100-02-29T00:00:00Z", "2024-02-30T00:00:00Z", "2026-01-31T24:00:00Z", "2026-01-31T12:60:00Z",
        "2026-01-31T12:00:61Z", "2026-01-31T12:00:00+24:00", "2026-01-31T12:00:00+01:60", "2026-01-31T12:00:00+0100", "2026-01-31T12:00:00+1:00",
        "+026-01-31T12:00:00Z", "2026-1-31T12:00:00Z", " 2026-01-31T12:00:00Z", "٢٠٢٦-01-31T12:00:00Z", "2026-01-31T12:00:00 01:00",
    ])
    func anythingElseIsNoTime(text: String) {
        #expect(Timestamp(text) == nil)
    }

    @Test func anIdentifierCarriesTheMomentOfItsMaking() {
        let timestamp = Timestamp(milliseconds: 1_769_860_800_123)
        let made = IdentifierGenerator { timestamp }.next()
        #expect(Timestamp(of: made) == timestamp)
        #expect(timestamp.firstIdentifier <= made)
        #expect(Timestamp(milliseconds: timestamp.milliseconds + 1).firstIdentifier > made)
        #expect(Timestamp(milliseconds: -5).firstIdentifier == .zero)
    }

    @Test(arguments: [
        ("2026-01-31T23:59:00.000Z", true), ("2026-01-31T23:58:59.999Z", false), ("2026-02-01T00:00:00.000Z", true),
        ("2026-02-01T00:01:00.000Z", true), ("2026-02-01T00:01:00.001Z", false), ("1969-12-31T23:59:30.000Z", true), ("2026-01-31T12:00:00Z", false),
    ])
    func aMinuteBeforeAndAfterMidnightIsNear(text: String, isNear: Bool) throws {
        #expect(try #require(Timestamp(text)).isNearMidnight(seconds: 60) == isNear)
    }

    @Test func theClockIsRead() {
        let now = Timestamp.now()
        #expect(now > Timestamp(milliseconds: 1_735_689_600_000))
        #expect(now <= .now())
    }
}
