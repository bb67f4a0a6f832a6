import Postgres
import Testing

@testable import Restante

@Suite struct QueryReaderTests {
    private func reader(_ query: [(name: String, value: String)]) -> QueryReader {
        QueryReader(.test(query: query), parameters: ["wait", "limit", "after", "fromTimestamp"])
    }

    private func problem(_ query: [(name: String, value: String)], _ read: (QueryReader) -> Void = { _ in }) -> Problem? {
        #expect(throws: Problem.self) {
            let reader = reader(query)
            read(reader)
            try reader.finish()
        }
    }

    @Test func whatIsThereIsRead() throws {
        let reader = reader([
            ("wait", "055"), ("after", "01890a5d-ac96-774b-bcce-b302099a8057"), ("fromTimestamp", "2026-01-31T12:00:00Z"),
        ])
        #expect(reader.integer("wait", in: 0...55, default: 0) == 55)
        #expect(reader.integer("limit", in: 1...500, default: 100) == 100)
        #expect(reader.identifier("after").description == "01890a5d-ac96-774b-bcce-b302099a8057")
        #expect(reader.optionalTimestamp("fromTimestamp")?.milliseconds == 1_769_860_800_000)
        try reader.finish()
    }

    @Test func whatIsAbsentIsNoFaultWhereItIsOptional() throws {
        let reader = reader([])
        #expect(reader.optionalIdentifier("after") == nil)
        #expect(reader.optionalTimestamp("fromTimestamp") == nil)
        try reader.finish()
    }

    @Test(arguments: ["", " 1", "+1", "-1", "1.0", "1e1", "0x1", "56", "99999999999999999999", "١"])
    func whatIsNoIntegerInRangeIsInvalid(value: String) {
        let problem = problem([("wait", value)]) { _ = $0.integer("wait", in: 0...55, default: 0) }
        #expect(problem?.code == .invalidRequest)
        #expect(problem?.places == ["?wait"])
    }

    @Test func everyFaultIsReportedTogether() {
        let problem = problem([("after", "x"), ("fromTimestamp", "yesterday"), ("wait", "soon")]) { reader in
            _ = reader.integer("wait", in: 0...55, default: 0)
            _ = reader.identifier("after")
            _ = reader.optionalTimestamp("fromTimestamp")
        }
        #expect(problem?.places == ["?wait", "?after", "?fromTimestamp"])
    }

    @Test func whatIsMissingIsInvalid() {
        #expect(problem([]) { _ = $0.identifier("after") }?.places == ["?after"])
    }

    @Test func whatIsUnknownIsReportedFirst() {
        let problem = problem([("wiat", "5"), ("limit", "0")]) { _ = $0.integer("limit", in: 1...500, default: 100) }
        #expect(problem?.code == .unknownParameter)
        #expect(problem?.places == ["?wiat"])
        #expect(problem?.didYouMean == "wait")
    }

    @Test func aParameterThatComesTwiceIsInvalid() {
        let problem = problem([("wait", "1"), ("wait", "1")])
        #expect(problem?.code == .invalidRequest)
        #expect(problem?.places == ["?wait"])
    }

    @Test func onlyARepeatableParameterMayComeTwice() throws {
        let (anna, bert) = (Identifier(high: 1, low: 1), Identifier(high: 1, low: 2))
        let query = [("userId", anna.description), ("wait", "1"), ("userId", bert.description)]
        let reader = QueryReader(.test(query: query), parameters: ["wait"], repeatable: ["userId"])
        #expect(reader.identifiers("userId", count: 1...2) == [anna, bert])
        try reader.finish()
        let twice = QueryReader(.test(query: query + [("wait", "1")]), parameters: ["wait"], repeatable: ["userId"])
        #expect(throws: Problem.self) { try twice.finish() }
        for range in [0...1, 3...9] {
            let counted = QueryReader(.test(query: query), parameters: ["wait"], repeatable: ["userId"])
            #expect(counted.identifiers("userId", count: range) == [])
            #expect(throws: Problem.self) { try counted.finish() }
        }
    }

    @Test func namesAreComparedByTheirBytes() {
        #expect(problem([("Wait", "1")])?.code == .unknownParameter)
    }
}
