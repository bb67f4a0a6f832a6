import JSON
import Postgres
import Testing

@testable import Restante

@Suite struct MessageRequestTests {
    private let sender = Session(userId: Identifier(high: 1, low: 1), deviceId: Identifier(high: 1, low: 2), sessionId: Identifier(high: 1, low: 3))
    private let recipient = Identifier(high: 2, low: 1)
    private let clientMessageId = Identifier(high: 3, low: 1)

    private func request(_ members: [String: String] = [:], without: Set<String> = [], limits: LimitTable = LimitTable()) throws -> MessageRequest {
        var all = ["to": #""\#(recipient)""#, "type": #""TEXT""#, "content": #""Hello""#, "clientMessageId": #""\#(clientMessageId)""#]
        all.merge(members) { $1 }
        let body = "{" + all.filter { !without.contains($0.key) }.map { #""\#($0.key)": \#($0.value)"# }.joined(separator: ", ") + "}"
        return try MessageRequest(.test(body: body), targetName: "to", limits: limits)
    }

    private func fingerprint(_ members: [String: String] = [:], to target: OutgoingMessage.Target? = nil) throws -> [UInt8] {
        try request(members).outgoing(from: sender, to: target ?? .user(recipient)).fingerprint
    }

    @Test func theSameSendHasTheSameFingerprint() throws {
        #expect(try fingerprint() == fingerprint())
        #expect(try fingerprint() == fingerprint(["forwarded": "false"]), "left out and false say the same")
        #expect(try fingerprint(["clientMessageId": #""\#(Identifier(high: 3, low: 2))""#]) == fingerprint())
        #expect(try fingerprint().count == 16)
    }

    @Test func whateverIsSaidDifferentlyChangesTheFingerprint() throws {
        let reply = Identifier(high: 4, low: 1)
        let fingerprints = try [
            fingerprint(), fingerprint(["content": #""hello""#]), fingerprint(["content": #""""#]), fingerprint(["forwarded": "true"]),
            fingerprint(["replyTo": #""\#(reply)""#]), fingerprint(["replyTo": #""\#(recipient)""#]),
            fingerprint(to: .user(sender.userId)), fingerprint(to: .group(recipient)),
        ]
        #expect(Set(fingerprints).count == fingerprints.count)
    }

    @Test func theFingerprintSaysEverythingThatAMessageCanSay() throws {
        let media = #"{"mediaId": "\#(recipient)"}"#
        let fingerprints = try [
            fingerprint(), fingerprint(["type": #""IMAGE""#]), fingerprint(["expiresIn": "60"]), fingerprint(["expiresIn": "61"]),
            fingerprint(["media": media]), fingerprint(["media": media, "expiresIn": "60"]),
            fingerprint(["media": #"{"mediaId": "\#(recipient)", "caption": "60"}"#]),
            fingerprint(["media": #"{"mediaId": "\#(sender.userId)"}"#]),
        ]
        #expect(Set(fingerprints).count == fingerprints.count)
    }

    @Test func ciphertextsAreTheSameInAnyOrderAndDifferInEverythingElse() throws {
        let one = #"{"deviceId": "\#(recipient)", "registrationId": 1, "type": "MESSAGE", "body": "AAAA"}"#
        let two = #"{"deviceId": "\#(sender.deviceId)", "registrationId": 2, "type": "PREKEY", "body": "BBBB"}"#
        func encrypted(_ ciphertexts: String) throws -> [UInt8] {
            try request(["ciphertexts": ciphertexts], without: ["content"]).outgoing(from: sender, to: .user(recipient)).fingerprint
        }
        #expect(try encrypted("[\(one), \(two)]") == encrypted("[\(two), \(one)]"))
        let changed = [one.replacing("AAAA", with: "AAAB"), one.replacing("1,", with: "3,"), one.replacing("MESSAGE", with: "PREKEY")]
        let different = try ["", one, two].map { try encrypted("[\($0)]") } + changed.map { try encrypted("[\($0)]") }
        let fingerprints = try [fingerprint(["content": #""""#])] + different
        #expect(Set(fingerprints).count == fingerprints.count)
    }

    @Test func onlyCiphertextsMayTakeMoreThanOtherRequests() throws {
        var limits = LimitTable()
        limits[.requestBytes] = 300
        let padding = ["replyTo": #""\#(recipient)""#, "content": #""\#(String(repeating: "x", count: 200))""#]
        let problem = #expect(throws: Problem.self) { try request(padding, limits: limits) }
        #expect(problem?.maxBytes == 300)
        let one = #"{"deviceId": "\#(recipient)", "registrationId": 1, "type": "MESSAGE", "body": "\#(String(repeating: "A", count: 200))"}"#
        #expect(try request(["ciphertexts": "[\(one)]"], without: ["content"], limits: limits).ciphertexts != nil)
    }

    @Test func mediaMayStandForTheContent() throws {
        let message = try request(["media": #"{"mediaId": "\#(recipient)", "caption": "c"}"#], without: ["content"]).outgoing(
            from: sender, to: .user(recipient))
        let item = try JSON.parse(Array("{".utf8) + message.body)
        #expect(item["content"]?.string == "")
        #expect(item["media"]?["mediaId"]?.string == recipient.description)
        #expect(item["media"]?["caption"]?.string == "c")
        #expect(message.mediaId == recipient)
    }

    @Test(arguments: ["59", "2592001", "60.5", "\"60\"", "true"])
    func expiresInIsAMinuteToThirtyDays(text: String) {
        let problem = #expect(throws: Problem.self) { try request(["expiresIn": text]) }
        #expect(problem?.places == ["/expiresIn"])
    }

    @Test(arguments: ["media", "forwarded", "replyTo", "expiresIn"])
    func aTypingSignalCarriesNothing(name: String) {
        let values = [
            "media": #"{"mediaId": "\#(recipient)"}"#, "forwarded": "true", "replyTo": #""\#(recipient)""#, "expiresIn": "60",
        ]
        let problem = #expect(throws: Problem.self) {
            try request(["type": #""TYPING""#, name: values[name] ?? ""], without: ["content"])
        }
        #expect(problem?.places == ["/" + name])
    }

    @Test func contentCannotPassItselfOffAsWhatComesBeforeIt() throws {
        let disguised = try fingerprint(["content": #""user \#(recipient) Hello""#])
        #expect(try disguised != fingerprint())
        #expect(try fingerprint(["content": #""\u00e9""#]) != fingerprint(["content": #""e\u0301""#]), "bytes count, not looks")
    }

    @Test func theBodyIsTheItemsTextAfterItsDirection() throws {
        let message = try request(["content": #""\"}{\\\n""#, "forwarded": "true", "replyTo": #""\#(recipient)""#]).outgoing(
            from: sender, to: .user(recipient))
        let item = try JSON.parse(Array("{".utf8) + message.body)
        #expect(item.members.map(\.key) == ["type", "from", "clientMessageId", "content", "forwarded", "replyTo"])
        #expect(item["from"]?["userId"]?.string == sender.userId.description)
        #expect(item["from"]?["deviceId"]?.string == sender.deviceId.description)
        #expect(item["content"]?.string == "\"}{\\\n")
        #expect(item["forwarded"]?.boolean == true)
    }

    @Test func aGroupsMessageNamesItsGroup() throws {
        let message = try request().outgoing(from: sender, to: .group(recipient))
        #expect(try JSON.parse(Array("{".utf8) + message.body)["groupId"]?.string == recipient.description)
        let toUser = try request().outgoing(from: sender, to: .user(recipient))
        #expect(try JSON.parse(Array("{".utf8) + toUser.body)["groupId"] == nil)
    }

    @Test(arguments: ["to", "type", "content", "clientMessageId"])
    func aMessageNeedsAllOfThese(name: String) {
        let problem = #expect(throws: Problem.self) { try request(without: [name]) }
        #expect(problem?.places == ["/" + name])
    }

    @Test func contentBeyondTheLimitIs413() throws {
        var limits = LimitTable()
        limits[.contentBytes] = 4
        let problem = #expect(throws: Problem.self) { try request(limits: limits) }
        #expect(problem?.code == .tooLarge)
        #expect(problem?.maxBytes == 4)
        #expect(try request(["content": #""four""#], limits: limits).content == "four")
    }

    @Test(arguments: ["TYPING", "UNTYPED"])
    func aTypingSignalNeedsNothingAndHasNoContent(type: String) throws {
        let signal = try request(["type": #""\#(type)""#], without: ["content", "clientMessageId"])
        #expect(signal.type.isEphemeral)
        let problem = #expect(throws: Problem.self) { try request(["type": #""\#(type)""#, "forwarded": "true"]) }
        #expect(problem?.places == ["/content", "/forwarded"])
    }

    @Test func aTypingSignalIsShownAsAnObject() throws {
        let signal = try request(["type": #""TYPING""#], without: ["content"])
        let item = try JSON.parse(signal.ephemeralItem(from: sender, group: recipient, at: Timestamp(milliseconds: 0)))
        #expect(item["type"]?.string == "TYPING")
        #expect(item["groupId"]?.string == recipient.description)
        #expect(item["from"]?["deviceId"]?.string == sender.deviceId.description)
        #expect(item["sentAt"]?.string == "1970-01-01T00:00:00.000Z")
    }
}
