import JSON
import Testing

@Suite struct ParsingTests {
    @Test func aDocumentIsReadWithItsKindsAndInItsOrder() throws {
        let value = try parse(#"{"b":"x","a":[1,-2,1.5,true,false,null,{}],"":"empty name"}"#)
        #expect(value.kind == .object)
        #expect(value.count == 3)
        #expect(value.members.map(\.key) == ["b", "a", ""])
        #expect(value["b"]?.string == "x")
        #expect(value[""]?.string == "empty name")
        #expect(value["A"] == nil)
        let elements = try #require(value["a"]).elements
        #expect(elements.map(\.kind) == [.integer, .integer, .real, .boolean, .boolean, .null, .object])
        #expect(elements[0].integer == 1)
        #expect(elements[1].integer == -2)
        #expect(elements[2].real == 1.5)
        #expect(elements[3].boolean == true)
        #expect(elements[4].boolean == false)
    }

    @Test func anAccessorOfAnotherKindGivesNothing() throws {
        let value = try parse(#"{"string":"1","integer":1,"real":1.0,"null":null}"#)
        let string = try #require(value["string"])
        #expect(string.integer == nil && string.real == nil && string.boolean == nil)
        #expect(string["x"] == nil && string.count == 0 && string.elements.isEmpty && Array(string.members).isEmpty)
        #expect(value["integer"]?.boolean == nil && value["integer"]?.utf8 == nil && value["integer"]?.utf8Count == nil)
        #expect(value["real"]?.integer == nil)
        #expect(value["null"]?.string == nil && value["null"]?.boolean == nil && value["null"]?.kind == .null)
        #expect(value.string == nil && value.elements.isEmpty)
    }

    @Test func aValueOutlivesTheDocumentThatItIsPartOf() throws {
        var inner: JSON?
        do {
            inner = try parse(#"{"a":{"b":["a string that is too long to be kept inline"]}}"#)["a"]?["b"]?.elements[0]
        }
        #expect(inner?.string == "a string that is too long to be kept inline")
    }

    @Test func namesAreComparedByteByByte() throws {
        let composed = "caf\u{E9}"
        let decomposed = "cafe\u{301}"
        #expect(composed == decomposed, "Swift takes the two for equal, which is why keys are not Swift strings")
        let value = try parse("{\"\(composed)\":1,\"\(decomposed)\":2}")
        #expect(value[composed]?.integer == 1)
        #expect(value[decomposed]?.integer == 2)
    }

    @Test func escapesAreResolved() throws {
        let value = try parse(#"["\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00"]"#)
        #expect(value.elements[0].string == "\"\\/\u{8}\u{c}\n\r\t\u{e9}\u{1F600}")
        #expect(value.elements[0].utf8Count == 14)
        #expect(value.elements[0].utf8 == Array("\"\\/\u{8}\u{c}\n\r\t\u{e9}\u{1F600}".utf8))
    }

    @Test(arguments: [
        ("9223372036854775807", Int64.max), ("-9223372036854775808", Int64.min), ("-0", 0), ("0", 0),
    ])
    func integersHave64Bits(text: String, expected: Int64) throws {
        #expect(try parse("[\(text)]").elements[0].integer == expected)
    }

    @Test(arguments: [("1e2", 100.0), ("-0.0", -0.0), ("1.7976931348623157e308", Double.greatestFiniteMagnitude), ("1e-400", 0.0)])
    func aFractionOrAnExponentMakesAReal(text: String, expected: Double) throws {
        let value = try parse("[\(text)]").elements[0]
        #expect(value.kind == .real)
        #expect(value.real == expected)
    }

    @Test(arguments: [1, 2, 32, 256])
    func nestingIsCountedFromTheOutermostValue(depth: Int) throws {
        let nested = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        #expect(try parse(nested, maximumDepth: depth).kind == .array)
        #expect(throws: JSONSyntaxError.self) { try parse("[" + nested + "]", maximumDepth: depth) }
    }

    @Test func bracketsInStringsAndSiblingsAreNoNesting() throws {
        let brackets = String(repeating: "[{", count: 100)
        let value = try parse(#"["\#(brackets)","\"\#(brackets)","\\",[],[],{},[]]"#, maximumDepth: 2)
        #expect(value.count == 7)
    }

    @Test func aHundredThousandBracketsAreRefusedBeforeAnyRecursion() throws {
        let error = try syntaxError(String(repeating: "[", count: 100_000))
        #expect(error.reason == .tooDeep)
        #expect(error.column == 33)
    }
}

func parse(_ text: String, maximumDepth: Int = 32) throws -> JSON {
    try JSON.parse(Array(text.utf8), maximumDepth: maximumDepth)
}

func syntaxError(_ text: String) throws -> JSONSyntaxError {
    try syntaxError(Array(text.utf8))
}

func syntaxError(_ bytes: [UInt8]) throws -> JSONSyntaxError {
    try #require(throws: JSONSyntaxError.self) { try JSON.parse(bytes) }
}
