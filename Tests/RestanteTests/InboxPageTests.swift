import JSON
import Postgres
import Testing

@testable import Restante

@Suite struct InboxPageTests {
    private let time = Timestamp(milliseconds: 1_769_860_800_123)

    private func item(_ number: UInt64, _ text: String = #""type":"TEXT","content":"Grüße \" \\ 🙂"}"#) -> InboxItem {
        InboxItem(messageId: Identifier(high: UInt64(time.milliseconds) << 16 | 0x7000, low: 1 << 63 | number), text: Array(text.utf8))
    }

    @Test func anItemIsAnObjectThatBeginsWithItsIdAndTime() throws {
        var bytes: [UInt8] = []
        item(1).write(into: &bytes)
        let object = try JSON.parse(bytes)
        #expect(object.members.map(\.key) == ["messageId", "sentAt", "type", "content"])
        #expect(object["messageId"]?.string == item(1).messageId.description)
        #expect(object["sentAt"]?.string == "2026-01-31T12:00:00.123Z")
        #expect(object["content"]?.string == #"Grüße " \ 🙂"#)
        #expect(bytes.count == item(1).text.count + InboxItem.overhead)
    }

    @Test func anEmptyPageHasAllThatIsPromised() throws {
        let page = try JSON.parse(InboxPage().encoded(at: time))
        #expect(page.members.map(\.key) == ["messages", "ephemeral", "hasMore", "serverTime"])
        #expect(page["messages"]?.count == 0)
        #expect(page["ephemeral"]?.kind == .array)
        #expect(page["hasMore"]?.boolean == false)
        #expect(page["serverTime"]?.string == time.description)
    }

    @Test(arguments: [1, 2, 3, 500])
    func everyItemIsInItsPlace(count: Int) throws {
        let items = (0..<count).map { item(UInt64($0)) }
        let page = InboxPage(items: items, ephemeral: Array(repeating: Array(#"{"type":"TYPING"}"#.utf8), count: count), hasMore: true)
        let decoded = try JSON.parse(page.encoded(at: time))
        #expect(decoded["messages"]?.elements.map { $0["messageId"]?.string } == items.map { $0.messageId.description })
        #expect(decoded["ephemeral"]?.elements.map { $0["type"]?.string } == Array(repeating: "TYPING", count: count))
        #expect(decoded["hasMore"]?.boolean == true)
    }

    @Test func onlyASupersededPollSaysSo() throws {
        #expect(try JSON.parse(InboxPage(isSuperseded: true).encoded(at: time))["superseded"]?.boolean == true)
        #expect(try JSON.parse(InboxPage().encoded(at: time))["superseded"] == nil)
    }

    @Test func theChangeOfAGroupIsAnItem() throws {
        let identifier = item(1).messageId
        for userId in [nil, Identifier(high: 7, low: 7)] {
            var bytes: [UInt8] = []
            GroupChange(kind: .memberAdded, groupId: identifier, userId: userId, by: identifier, revision: 4).item(identifier).write(into: &bytes)
            let object = try JSON.parse(bytes)
            #expect(object["type"]?.string == "GROUP")
            #expect(object["change"]?.string == "memberAdded")
            #expect(object["revision"]?.integer == 4)
            #expect(object["userId"]?.string == userId?.description)
        }
    }
}
