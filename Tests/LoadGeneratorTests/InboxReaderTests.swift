import Testing

@testable import LoadGenerator

@Suite struct InboxReaderTests {
    private let first = "01890a5d-ac96-774b-bcce-b302099a8057"
    private let second = "01890a5d-ac96-774b-bcce-b302099a8058"
    private let client = "c0ffee00-0000-4000-8000-000000000001"

    private func identifier(_ text: String) throws -> Identifier {
        let identifier = Identifier(Array(text.utf8).span)
        return try #require(identifier)
    }

    private func read(_ text: String) -> InboxReader? {
        var reader = InboxReader()
        return reader.read(Array(text.utf8).span) ? reader : nil
    }

    @Test func `a message is read whatever the order of its members`() throws {
        let reader = try #require(
            read(
                #"""
                {"serverTime": "x", "messages": [ {"content": "a \"quoted\" ] } text\\", "clientMessageId": "\#(client)",
                "from": {"userId": "\#(second)", "messageId": "no"}, "type": "TEXT", "messageId": "\#(first)", "forwarded": true} ],
                "ephemeral": [], "hasMore": false}
                """#))
        let expected = InboxItem(messageId: try identifier(first), kind: .message(clientMessageId: try identifier(client)))
        #expect(reader.items == [expected])
    }

    @Test func `a receipt names the messages that were delivered`() throws {
        let reader = try #require(
            read(#"{"messages":[{"messageId":"\#(first)","status":"delivered","messageIds":["\#(second)","\#(client)"]}],"hasMore":false}"#))
        #expect(reader.items == [InboxItem(messageId: try identifier(first), kind: .deliveryReceipt(0..<2))])
        #expect(reader.receipted == [try identifier(second), try identifier(client)])
    }

    @Test func `other items count as items and no more`() throws {
        let reader = try #require(
            read(
                #"""
                {"messages":[{"messageId":"\#(first)","status":"read","messageIds":["\#(client)"]},
                {"type":"GROUP","messageId":"\#(second)","revision":12}]}
                """#))
        #expect(reader.items.map(\.kind) == [.other, .other])
        #expect(reader.items.map(\.messageId) == [try identifier(first), try identifier(second)])
    }

    @Test func `an empty inbox has no items, also after a full one`() {
        var reader = InboxReader()
        let full = reader.read(Array(#"{"messages":[{"messageId":"\#(first)"}]}"#.utf8).span)
        #expect(full)
        #expect(reader.items.count == 1)
        let empty = reader.read(Array(#"{"messages":[],"ephemeral":[{"type":"TYPING"}],"hasMore":false}"#.utf8).span)
        #expect(empty)
        #expect(reader.items.isEmpty)
    }

    @Test(arguments: [
        "", "{", "[]", "{}", #"{"messages":"none"}"#, #"{"messages":[{"type":"TEXT"}]}"#, #"{"messages":[{"messageId":"1"}]}"#,
        #"{"messages":[{"messageId":"01890a5d-ac96-774b-bcce-b302099a8057","content":"cut"#, #"{"messages":[["#, "\"\\",
    ])
    func `what is no inbox is refused`(text: String) {
        let reader = read(text)
        #expect(reader == nil)
    }
}
