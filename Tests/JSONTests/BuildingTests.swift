import JSON
import Testing

@Suite struct BuildingTests {
    @Test func anObjectIsWrittenCompactInItsOrderWithoutWhatIsNil() {
        let value = JSON.object([
            "z": .string("last letter first"), "a": .integer(-1), "gone": nil, "list": .array([.boolean(true), .boolean(false), .null]),
            "empty": .object([:]),
        ])
        #expect(text(value) == #"{"z":"last letter first","a":-1,"list":[true,false,null],"empty":{}}"#)
    }

    @Test func namesKnownAtRunTimeDoTheSame() {
        let limits: [(String, JSON?)] = [("x", .integer(1)), ("y", nil), ("", .integer(2))]
        #expect(text(.object(limits)) == #"{"x":1,"":2}"#)
    }

    @Test func whatHasToBeEscapedIsAndNothingElse() {
        let value = JSON.array([.string("\"\\/\n\u{1}\u{0}\u{7f}é😀"), .string("")])
        #expect(text(value) == #"["\"\\/\n\u0001\u0000"# + "\u{7f}é😀\",\"\"]")
    }

    @Test func aStringOfBytesMustBeUTF8() {
        #expect(JSON.string(utf8: Array("é".utf8))?.string == "é")
        #expect(JSON.string(utf8: [])?.string == "")
        #expect(JSON.string(utf8: [0xC3]) == nil)
    }

    @Test(arguments: [Int64.min, -1, 0, Int64.max])
    func integersAreWrittenExactly(value: Int64) {
        #expect(text(.integer(value)) == String(value))
    }

    @Test(arguments: [0.1, -2.5e-300, 1e22, .greatestFiniteMagnitude, .leastNonzeroMagnitude])
    func aRealReadBackIsTheSame(value: Double) throws {
        let real = try #require(JSON.real(value))
        #expect(try JSON.parse(JSON.array([real]).encoded()).elements[0].real == value)
    }

    @Test(arguments: [Double.nan, .infinity, -.infinity])
    func whatJSONCannotWriteIsNoReal(value: Double) {
        #expect(JSON.real(value) == nil)
    }

    @Test func aPartOfOneDocumentCanBePutIntoAnother() throws {
        var outer: JSON
        do {
            let parsed = try parse(#"{"a":{"b":[1]}}"#)
            outer = .object(["copy": parsed["a"], "twice": parsed["a"]])
        }
        #expect(text(outer) == #"{"copy":{"b":[1]},"twice":{"b":[1]}}"#)
    }

    @Test func textIsAppendedToWhatIsThere() {
        var bytes = Array("data: ".utf8)
        JSON.array([]).encode(into: &bytes)
        #expect(String(decoding: bytes, as: UTF8.self) == "data: []")
    }

    @Test func aLargeValueComesBackWhole() throws {
        let content = String(repeating: "\"é😀\n", count: 16_384)
        let value = JSON.array((0..<100).map { .object(["index": .integer($0), "content": .string(content)]) })
        let parsed = try JSON.parse(value.encoded())
        #expect(parsed.count == 100)
        #expect(parsed.elements.enumerated().allSatisfy { $1["index"]?.integer == Int64($0) && $1["content"]?.string == content })
    }

    @Test func theDeepestValueIsWrittenAndFreed() {
        let deepest = (1..<JSON.deepest).reduce(JSON.array([])) { value, _ in .array([value]) }
        #expect(deepest.encoded().count == 2 * JSON.deepest)
    }

    @Test func aValueDeeperThanTheLimitEndsTheProgramThatBuildsIt() async {
        await #expect(processExitsWith: .failure) {
            _ = (1...JSON.deepest).reduce(JSON.array([])) { value, _ in .array([value]) }
        }
    }

    private func text(_ value: JSON) -> String {
        String(decoding: value.encoded(), as: UTF8.self)
    }
}
