import JSON
import Testing

@Suite struct SharingTests {
    @Test func manyTasksReadShareAndFreeOneDocumentAtOnce() async throws {
        let document = try parse(#"{"messages":[{"content":"a"},{"content":"b"},{"content":"c"}]}"#)
        let messages = try #require(document["messages"])
        let lengths = await withTaskGroup(of: Int.self) { group in
            for task in 0..<8 {
                group.addTask {
                    (0..<500).reduce(0) { length, round in
                        let answer = JSON.object(["one": messages.elements[(task + round) % 3], "all": messages, "flag": .boolean(true)])
                        return length + answer.encoded().count + (answer["one"]?["content"]?.string?.count ?? 0)
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        let text = #"{"one":{"content":"a"},"all":[{"content":"a"},{"content":"b"},{"content":"c"}],"flag":true}"#
        #expect(lengths == Array(repeating: 500 * (text.utf8.count + 1), count: 8))
    }

    @Test func theLastOneToHoldADocumentFreesItWhicheverThreadThatIs() async throws {
        for round in 0..<200 {
            let document = try parse(#"{"a":["\#(round)","some text that is long enough for the heap"]}"#)
            async let one = document["a"]?.elements[0].string
            async let other = document["a"]?.elements[1].utf8Count
            #expect(await (one, other) == (String(round), 42))
        }
    }
}
