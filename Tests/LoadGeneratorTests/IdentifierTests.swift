import LoadGenerator
import Testing

@Suite struct IdentifierTests {
    @Test func `the text form reads back`() throws {
        let text = Array("01890a5d-ac96-774b-bcce-b302099a8057".utf8)
        let read = Identifier(text.span)
        let identifier = try #require(read)
        #expect(identifier == Identifier(high: 0x0189_0a5d_ac96_774b, low: 0xbcce_b302_099a_8057))
        var written: [UInt8] = []
        identifier.append(to: &written)
        #expect(written == text)
    }

    @Test(arguments: [
        "", "01890a5d-ac96-774b-bcce-b302099a805", "01890a5dxac96-774b-bcce-b302099a8057", "01890a5d-ac96-774b-bcce-b302099a805g",
    ])
    func `any other text is no identifier`(text: String) {
        let identifier = Identifier(Array(text.utf8).span)
        #expect(identifier == nil)
    }

    @Test func `a client's message id leads back to its send, in its own run only`() {
        let ids = ClientMessageIds(run: 0xffff_ffff_ffff_ffff)
        let identifier = ids.identifier(of: 123_456)
        #expect(ids.sequence(of: identifier) == 123_456)
        #expect(ClientMessageIds(run: 7).sequence(of: identifier) == nil)
        #expect(identifier.high >> 12 & 0xf == 4)
        #expect(identifier.low >> 62 == 0b10)
    }
}
