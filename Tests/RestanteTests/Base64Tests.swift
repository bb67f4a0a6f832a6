import Foundation
import Testing

@testable import Restante

@Suite struct Base64Tests {
    private func decode(_ text: String) -> [UInt8]? {
        Array(text.utf8).withUnsafeBufferPointer(Base64.decode)
    }

    /// Source: RFC 4648, section 10.
    @Test(arguments: zip(["", "f", "fo", "foo", "foob", "fooba", "foobar"], ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"]))
    func theVectorsOfTheRFC(plain: String, text: String) {
        #expect(Base64.encode(Array(plain.utf8)) == text)
        #expect(decode(text) == Array(plain.utf8))
    }

    @Test func allBytesGoThereAndBack() {
        for count in 0...300 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ count) }
            let text = Base64.encode(bytes)
            #expect(text == Data(bytes).base64EncodedString())
            #expect(decode(text) == bytes)
            #expect(Array(text.utf8).withUnsafeBufferPointer(Base64.decodedCount) == count)
        }
    }

    @Test(arguments: ["A", "AA", "AAA", "A===", "====", "AA=A", "=AAA", "AB==", "AAB=", "AA==AAAA", "AAA\n", " AAA", "AA-_", "AAÄ", "AAAA\0\0\0\0"])
    func anyOtherFormIsRefused(text: String) {
        #expect(decode(text) == nil)
    }
}
