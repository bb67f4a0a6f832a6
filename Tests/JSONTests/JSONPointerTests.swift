import JSON
import Testing

@Suite struct JSONPointerTests {
    @Test func aPointerSpellsOutTheWay() {
        #expect(JSONPointer.root.description == "")
        #expect(JSONPointer.root.appending("devices").appending(0).appending("name").description == "/devices/0/name")
    }

    /// Source: the table of RFC 6901 section 5.
    @Test(arguments: [("", "/"), ("a/b", "/a~1b"), ("m~n", "/m~0n"), ("c%d", "/c%d"), (" ", "/ "), ("~1", "/~01"), ("é", "/é")])
    func namesAreEscaped(name: String, expected: String) {
        #expect(JSONPointer.root.appending(name).description == expected)
    }
}
