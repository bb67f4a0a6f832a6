import Testing

@testable import Restante

@Suite struct MediaRangeTests {
    private static func answer(_ range: String?, size: Int = 10, ifNoneMatch: String? = nil, ifRange: String? = nil) -> MediaRange.Answer {
        MediaRange.answer(size: size, tag: "\"a\"", range: range, ifNoneMatch: ifNoneMatch, ifRange: ifRange)
    }

    @Test(arguments: [
        ("bytes=0-0", 0..<1), ("bytes=2-4", 2..<5), ("BYTES= 2-4", 2..<5), ("bytes=2-", 2..<10), ("bytes=2-99", 2..<10), ("bytes=-3", 7..<10),
        ("bytes=-99", 0..<10), ("bytes=9-999999999999999999999999", 9..<10), ("bytes=-999999999999999999999999", 0..<10),
    ])
    func aRangeIsCutToTheMedia(_ range: String, _ expected: Range<Int>) {
        #expect(Self.answer(range) == .part(expected))
    }

    @Test(arguments: ["bytes=10-", "bytes=10-20", "bytes=-0", "bytes=999999999999999999999999-"]) func noByteOfItIsThere(_ range: String) {
        #expect(Self.answer(range) == .notSatisfiable)
        #expect(Self.answer(range, size: 0) == .notSatisfiable)
    }

    @Test(arguments: [nil, "", "bytes", "bytes=", "bytes=-", "bytes=4-2", "bytes=1-2,3-4", "bytes=+1-2", "bytes=١-٢", "items=0-1", "bytes=1-2-3"])
    func whatIsNoSingleRangeIsIgnored(_ range: String?) {
        #expect(Self.answer(range) == .whole)
    }

    @Test func aTagThatTheClientHasWinsOverARange() {
        for tags in ["\"a\"", "W/\"a\"", "\"b\", \"a\"", "*", "\"b\",\t*"] { #expect(Self.answer("bytes=0-1", ifNoneMatch: tags) == .notModified) }
        for tags in ["\"b\"", "a", ""] { #expect(Self.answer("bytes=0-1", ifNoneMatch: tags) == .part(0..<2)) }
    }

    @Test func aRangeOfAnotherContentIsNotServed() {
        #expect(Self.answer("bytes=0-1", ifRange: "\"a\"") == .part(0..<2))
        for other in ["\"b\"", "W/\"a\"", "Sat, 21 Nov 2026 12:00:00 GMT"] { #expect(Self.answer("bytes=0-1", ifRange: other) == .whole) }
    }
}

@Suite struct ReprDigestTests {
    private static let digest = MediaDigest(bytes: [UInt8](repeating: 7, count: 32))

    @Test func aDigestIsReadAsItIsWritten() throws {
        let digest = try #require(Self.digest)
        let header = ReprDigest.header(digest)
        for text in [header, "md5=:AA==:, \(header)", "SHA-256=\(header.dropFirst(8))", " \(header) "] {
            #expect(ReprDigest.read(text) == .sha256(digest), "\(text)")
        }
        #expect(digest.hexadecimal == String(repeating: "07", count: 32))
    }

    @Test func othersAreIgnoredOrMalformed() {
        for text in [nil, "", "md5=:AA==:", "sha-512=x"] { #expect(ReprDigest.read(text) == .absent) }
        for text in ["sha-256", "sha-256=", "sha-256=:", "sha-256=::", "sha-256=:AA==:", "sha-256=AA=="] {
            #expect(ReprDigest.read(text) == .malformed)
        }
    }
}
