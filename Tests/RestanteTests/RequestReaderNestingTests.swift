import Testing

@testable import Restante

@Suite struct RequestReaderNestingTests {
    private func problem(_ body: String, _ read: (RequestReader) -> Void = { _ in }) -> Problem? {
        #expect(throws: Problem.self) {
            let reader = try RequestReader(.test(body: body), members: ["device", "devices", "ids", "numbers"])
            read(reader)
            try reader.finish()
        }
    }

    private func readDevice(_ reader: RequestReader) {
        _ = reader.object("device", members: ["name", "type"]) { $0.string("name", characters: 1...5) }
    }

    private func readDevices(_ reader: RequestReader) {
        _ = reader.optionalObjects("devices", count: 0...2, members: ["name", "type"]) { $0.string("name", characters: 1...5) }
    }

    @Test func aNestedObjectIsReadInPlace() throws {
        let reader = try RequestReader(
            .test(body: #"{"device": {"name": "one"}, "devices": [{"name": "a"}, {"name": "b"}]}"#), members: ["device", "devices"])
        #expect(reader.object("device", members: ["name"]) { $0.string("name", characters: 1...5) } == "one")
        #expect(reader.optionalObject("device", members: ["name"]) { $0.has("name") } == true)
        #expect(reader.optionalObjects("devices", count: 0...2, members: ["name"]) { $0.string("name", characters: 1...5) } == ["a", "b"])
        try reader.finish()
    }

    @Test func aFaultIsNamedByTheWayToIt() {
        #expect(problem(#"{"device": {"name": null}}"#, readDevice)?.places == ["/device/name"])
        #expect(problem(#"{"device": {}}"#, readDevice)?.places == ["/device/name"])
        #expect(problem(#"{"devices": [{"name": "a"}, {"name": 1}]}"#, readDevices)?.places == ["/devices/1/name"])
        #expect(problem(#"{"ids": ["x"]}"#) { _ = $0.identifiers("ids", count: 0...9) }?.places == ["/ids/0"])
        #expect(problem(#"{"numbers": ["+1234567", null]}"#) { _ = $0.strings("numbers", count: 0...9, .mobileNumber) }?.places == ["/numbers/1"])
    }

    @Test func aNestedNameThatIsUnknownComesFirst() {
        let problem = problem(#"{"device": {"nme": "x"}}"#, readDevice)
        #expect(problem?.code == .unknownParameter)
        #expect(problem?.places == ["/device/nme"])
        #expect(problem?.didYouMean == "name")
    }

    @Test func whatIsNoObjectIsOneFaultAtItsOwnPlace() {
        #expect(problem(#"{"device": [], "devices": []}"#, readDevice)?.places.contains("/device") == true)
        #expect(problem(#"{"devices": [null]}"#, readDevices)?.places.contains("/devices/0") == true)
        #expect(problem(#"{"devices": {"name": "a"}}"#, readDevices)?.places == ["/devices"])
    }

    @Test func anObjectThatIsMissingIsReported() {
        #expect(problem("{}", readDevice)?.places.contains("/device") == true)
    }

    @Test(arguments: ["[]", "[1]"])
    func aBodyThatIsNoObjectIsInvalidAtItsRoot(body: String) {
        let problem = problem(body)
        #expect(problem?.code == .invalidRequest)
        #expect(problem?.places == [""])
    }

    @Test func aBodyThatIsNotJSONTellsWhere() {
        let problem = problem("{\"device\":\n {}} x")
        #expect(problem?.code == .malformedJSON)
        #expect(problem?.line == 2)
        #expect(problem?.column == 6)
    }

    @Test(arguments: [#"{"ids": [], "ids": []}"#, "{\"ids\": \"\\u0000\"}", " ", "{} {}", #"{"ids": "x"#])
    func aBodyThatBreaksTheRulesOfJSONIsMalformed(body: String) {
        #expect(problem(body)?.code == .malformedJSON)
    }
}
