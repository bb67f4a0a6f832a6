import Postgres
import Testing

@testable import Restante

@Suite struct RequestReaderTests {
    private enum Colour: String, CaseIterable {
        case red, green
    }
    private let members = ["name", "age", "colour", "id", "ids", "flag", "number", "numbers", "content"]

    /// The problem of reading `body`, in which everything but `name` is optional.
    private func problem(_ body: String, _ read: (RequestReader) -> Void = { _ in }) -> Problem? {
        #expect(throws: Problem.self) {
            let reader = try RequestReader(.test(body: body), members: members)
            read(reader)
            try reader.finish()
        }
    }

    @Test func whatIsThereIsRead() throws {
        let body = """
            {"name": "Ä", "age": 7, "colour": "green", "id": "01890A5D-AC96-774B-BCCE-B302099A8057",
             "ids": ["01890a5d-ac96-774b-bcce-b302099a8057"], "flag": false, "number": "+4915112345678", "numbers": ["+1234567"], "content": ""}
            """
        let reader = try RequestReader(.test(body: body), members: members)
        let identifier = Identifier("01890a5d-ac96-774b-bcce-b302099a8057")
        #expect(reader.string("name", characters: 1...1) == "Ä")
        #expect(reader.integer("age", in: 0...7, default: 1) == 7)
        #expect(reader.choice("colour", of: Colour.self) == .green)
        #expect(reader.identifier("id") == identifier)
        #expect(reader.optionalIdentifier("id") == identifier)
        #expect(reader.identifiers("ids", count: 1...1) == [identifier])
        #expect(reader.boolean("flag") == false)
        #expect(reader.matching("number", .mobileNumber) == "+4915112345678")
        #expect(reader.strings("numbers", count: 1...1, .mobileNumber) == ["+1234567"])
        #expect(reader.content("content", maxBytes: 0) == "")
        try reader.finish()
    }

    @Test func whatIsAbsentIsNoFaultWhereItIsOptional() throws {
        let reader = try RequestReader(.test(body: "{}"), members: members)
        #expect(reader.optionalString("name", characters: 1...9) == nil)
        #expect(reader.integer("age", in: 5...9, default: 6) == 6)
        #expect(reader.optionalChoice("colour", of: Colour.self) == nil)
        #expect(reader.optionalIdentifier("id") == nil)
        #expect(reader.optionalIdentifiers("ids", count: 1...9) == nil)
        #expect(reader.boolean("flag") == nil)
        #expect(!reader.has("flag"))
        try reader.finish()
    }

    @Test func noBodyIsAnEmptyObject() throws {
        try RequestReader(.test(), members: []).finish()
    }

    @Test func everythingMissingIsReportedTogether() {
        let problem = problem("{}") { reader in
            _ = reader.string("name", characters: 1...9)
            _ = reader.identifier("id")
            _ = reader.identifiers("ids", count: 1...9)
            _ = reader.choice("colour", of: Colour.self)
            _ = reader.matching("number", .mobileNumber)
            _ = reader.content("content", maxBytes: 9)
        }
        #expect(problem?.code == .invalidRequest)
        #expect(problem?.places == ["/name", "/id", "/ids", "/colour", "/number", "/content"])
    }

    @Test func whatIsUnknownIsReportedBeforeWhatIsMissing() {
        let problem = problem(#"{"nmae": "x", "a/b~c": 1, "age": "old"}"#) { reader in
            _ = reader.string("name", characters: 1...9)
            _ = reader.integer("age", in: 0...9, default: 0)
        }
        #expect(problem?.code == .unknownParameter)
        #expect(problem?.places.sorted() == ["/a~1b~0c", "/nmae"])
        #expect(problem?.didYouMean == "name")
    }

    @Test func aNameThatIsNearNoneGetsNoSuggestion() {
        let problem = problem(#"{"temperature": 1}"#)
        #expect(problem?.code == .unknownParameter)
        #expect(problem?.didYouMean == nil)
    }

    @Test(arguments: ["null", "1", "true", "[]", "{}", #""""#, #""far too long""#])
    func aStringOfTheWrongTypeOrLengthIsInvalid(value: String) {
        let problem = problem(#"{"name": \#(value)}"#) { _ = $0.string("name", characters: 1...5) }
        #expect(problem?.code == .invalidRequest)
        #expect(problem?.places == ["/name"])
    }

    @Test(arguments: ["null", #""7""#, "7.0", "7e0", "-1", "10", "9223372036854775807", "true", "[7]"])
    func anIntegerOfTheWrongTypeOrSizeIsInvalid(value: String) {
        #expect(problem(#"{"age": \#(value)}"#) { _ = $0.integer("age", in: 0...9, default: 0) }?.places == ["/age"])
    }

    @Test(arguments: ["null", #""blue""#, #""GREEN""#, #""""#, "0"])
    func aWordThatIsNoChoiceIsInvalid(value: String) {
        #expect(problem(#"{"colour": \#(value)}"#) { _ = $0.optionalChoice("colour", of: Colour.self) }?.places == ["/colour"])
    }

    @Test(arguments: ["null", "1", #""01890a5dac96774bbcceb302099a8057""#, #""""#, #""{01890a5d-ac96-774b-bcce-b302099a8057}""#])
    func anIdentifierOfAnotherFormIsInvalid(value: String) {
        #expect(problem(#"{"id": \#(value)}"#) { _ = $0.optionalIdentifier("id") }?.places == ["/id"])
    }

    @Test(arguments: ["null", "0", #""true""#])
    func onlyTrueAndFalseAreBooleans(value: String) {
        #expect(problem(#"{"flag": \#(value)}"#) { _ = $0.boolean("flag") }?.places == ["/flag"])
    }

    @Test(arguments: ["null", "{}", #""x""#, "[]", "[1,2,3]"])
    func anArrayOfTheWrongTypeOrLengthIsInvalid(value: String) {
        #expect(problem(#"{"ids": \#(value)}"#) { _ = $0.identifiers("ids", count: 1...2) }?.places == ["/ids"])
    }

    @Test func contentThatIsTooLongIs413AndCountedInBytes() throws {
        let fits = try RequestReader(.test(body: #"{"content": "äöü"}"#), members: members)
        #expect(fits.content("content", maxBytes: 6) == "äöü")
        try fits.finish()
        let problem = problem(#"{"content": "äöü"}"#) { _ = $0.content("content", maxBytes: 5) }
        #expect(problem?.code == .tooLarge)
        #expect(problem?.maxBytes == 5)
    }

    @Test func aFaultIsReportedBeforeASizeThatIsOver() {
        let problem = problem(#"{"content": "toolong", "id": 1}"#) { reader in
            _ = reader.content("content", maxBytes: 1)
            _ = reader.identifier("id")
        }
        #expect(problem?.code == .invalidRequest)
        #expect(problem?.places == ["/id"])
    }

    @Test func contentOfAnotherTypeIsInvalid() {
        #expect(problem(#"{"content": null}"#) { _ = $0.content("content", maxBytes: 9) }?.places == ["/content"])
    }
}
