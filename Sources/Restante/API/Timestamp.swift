import Glibc
package import Postgres

/// A moment in UTC, in whole milliseconds since 1970. Text form: RFC 3339 with milliseconds, `2026-01-31T12:00:00.123Z`.
package struct Timestamp: Hashable, Comparable, Sendable {
    package let milliseconds: Int64

    package init(milliseconds: Int64) { self.milliseconds = milliseconds }

    package static func < (left: Timestamp, right: Timestamp) -> Bool { left.milliseconds < right.milliseconds }

    package static func now() -> Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }

    /// The moment in which a UUIDv7 was made. Source: RFC 9562, section 5.7.
    package init(of identifier: Identifier) {
        milliseconds = Int64(identifier.high >> 16)
    }

    /// Whether midnight in UTC is at most so many seconds away, before or behind.
    func isNearMidnight(seconds: Int64) -> Bool {
        let sinceMidnight = milliseconds.flooredDivision(by: 86_400_000).remainder
        return min(sinceMidnight, 86_400_000 - sinceMidnight) <= seconds * 1000
    }

    /// The smallest identifier made at this moment or later.
    package var firstIdentifier: Identifier {
        Identifier(high: UInt64(max(0, milliseconds)) << 16, low: 0)
    }
}

extension Timestamp: CustomStringConvertible {
    package var description: String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(24)
        write(into: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Appends the 24 bytes of the text form; the year is within 0000 to 9999.
    package func write(into bytes: inout [UInt8]) {
        let (days, millisecondOfDay) = milliseconds.flooredDivision(by: 86_400_000)
        let (year, month, day) = Self.civilDate(daysSince1970: days)
        let second = millisecondOfDay / 1000
        func digits(_ value: Int64, _ count: Int) {
            var divisor: Int64 = count == 4 ? 1000 : count == 3 ? 100 : 10
            while divisor > 0 {
                bytes.append(UInt8(48 + value / divisor % 10))
                divisor /= 10
            }
        }
        digits(year, 4)
        bytes.append(UInt8(ascii: "-"))
        digits(month, 2)
        bytes.append(UInt8(ascii: "-"))
        digits(day, 2)
        bytes.append(UInt8(ascii: "T"))
        digits(second / 3600, 2)
        bytes.append(UInt8(ascii: ":"))
        digits(second / 60 % 60, 2)
        bytes.append(UInt8(ascii: ":"))
        digits(second % 60, 2)
        bytes.append(UInt8(ascii: "."))
        digits(millisecondOfDay % 1000, 3)
        bytes.append(UInt8(ascii: "Z"))
    }

    /// The date in the proleptic Gregorian calendar; years begin in March here, so that the leap day comes last.
    private static func civilDate(daysSince1970 days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let (era, dayOfEra) = (days + 719_468).flooredDivision(by: 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shifted + 2) / 5 + 1)
    }
}

extension Timestamp {
    /// Reads RFC 3339 with `Z` or an offset; nil where the text is anything else. Fractions beyond the millisecond are cut off.
    package init?(_ text: String) {
        var reader = DigitReader(Array(text.utf8))
        guard let year = reader.number(4), reader.skip("-"), let month = reader.number(2), reader.skip("-"), let day = reader.number(2),
            reader.skip("T") || reader.skip("t"), let hour = reader.number(2), reader.skip(":"), let minute = reader.number(2),
            reader.skip(":"), let second = reader.number(2), (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60, second < 61,
            let fraction = reader.fraction(), let offset = reader.offset(), reader.isAtEnd
        else { return nil }
        let days = Self.daysSince1970(year: Int64(year), month: Int64(month), day: Int64(day))
        let check = Self.civilDate(daysSince1970: days)
        guard check.month == Int64(month), check.day == Int64(day) else { return nil }
        let seconds = days * 86_400 + Int64(hour * 3600 + minute * 60 + second - offset * 60)
        milliseconds = seconds * 1000 + Int64(fraction)
    }

    private static func daysSince1970(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shiftedYear = month <= 2 ? year - 1 : year
        let (era, yearOfEra) = shiftedYear.flooredDivision(by: 400)
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}

/// Reads the fixed-width parts of an RFC 3339 time.
private struct DigitReader {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { position == bytes.count }

    mutating func number(_ width: Int) -> Int? {
        guard position + width <= bytes.count else { return nil }
        var value = 0
        for byte in bytes[position..<position + width] {
            guard (48...57).contains(byte) else { return nil }
            value = value * 10 + Int(byte - 48)
        }
        position += width
        return value
    }

    mutating func skip(_ character: Unicode.Scalar) -> Bool {
        guard position < bytes.count, bytes[position] == UInt8(truncatingIfNeeded: character.value) else { return false }
        position += 1
        return true
    }

    /// Milliseconds; 0 where there is no fraction.
    mutating func fraction() -> Int? {
        guard skip(".") else { return 0 }
        var value = 0
        var width = 0
        while let digit = number(1) {
            if width < 3 { value = value * 10 + digit }
            width += 1
        }
        guard width > 0 else { return nil }
        for _ in width..<max(3, width) { value *= 10 }
        return value
    }

    /// Minutes east of Greenwich.
    mutating func offset() -> Int? {
        if skip("Z") || skip("z") { return 0 }
        let sign = skip("+") ? 1 : skip("-") ? -1 : 0
        guard sign != 0, let hours = number(2), skip(":"), let minutes = number(2), hours < 24, minutes < 60 else { return nil }
        return sign * (hours * 60 + minutes)
    }
}

extension Int64 {
    fileprivate func flooredDivision(by divisor: Int64) -> (quotient: Int64, remainder: Int64) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}
