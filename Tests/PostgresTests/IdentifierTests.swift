import Testing

@testable import Postgres

@Suite struct IdentifierTests {
    private let text = "0190f3a2-7c4e-7def-8123-456789abcdef"

    @Test func textComesBackAsItWas() {
        #expect(Identifier(text)?.description == text)
        #expect(Identifier(text) == Identifier(high: 0x0190_f3a2_7c4e_7def, low: 0x8123_4567_89ab_cdef))
    }

    @Test func upperCaseIsReadAndLowerCaseWritten() {
        #expect(Identifier(text.uppercased())?.description == text)
    }

    @Test func substringsAreRead() {
        #expect(Identifier("/\(text)/".dropFirst().dropLast()) == Identifier(text))
    }

    @Test func writingAppendsThirtySixBytes() throws {
        var bytes: [UInt8] = Array("id=".utf8)
        try #require(Identifier(text)).write(into: &bytes)
        #expect(String(decoding: bytes, as: UTF8.self) == "id=" + text)
    }

    @Test(arguments: [
        "", "0190f3a27c4e7def8123456789abcdef", "{0190f3a2-7c4e-7def-8123-456789abcdef}", "0190f3a2-7c4e-7def-8123-456789abcde",
        "0190f3a2-7c4e-7def-8123-456789abcdefa", "0190f3a2-7c4e-7def-8123-456789abcdeg", "0190f3a2 7c4e-7def-8123-456789abcdef",
        "0190f3a27-c4e-7def-8123-456789abcdef", "０190f3a2-7c4e-7def-8123-456789abcd", "0190f3a2-7c4e-7def-8123-456789abcde\0",
    ])
    func otherFormsAreRefused(text: String) {
        #expect(Identifier(text) == nil)
    }

    @Test func orderIsThatOfTheBytes() {
        let ascending = [
            Identifier(high: 0, low: 0), Identifier(high: 0, low: .max), Identifier(high: 1, low: 0), Identifier(high: .max, low: 1),
        ]
        #expect(ascending.reversed().sorted() == ascending)
        #expect(ascending.map(\.description).sorted() == ascending.map(\.description))
    }
}
