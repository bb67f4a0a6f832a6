import HTTPClient
import JSON
import Synchronization
import Testing

@testable import Restante

/// What the push services' answers mean, and how long their credentials are used.
@Suite struct PushProviderTests {
    private func response(_ status: Int, _ body: String, retryAfter: String? = nil) -> HTTPResponse {
        HTTPResponse(status: status, headers: retryAfter.map { [("retry-after", $0)] } ?? [], body: Array(body.utf8))
    }

    private func google(_ status: String, _ details: String = "") -> String {
        #"{"error": {"code": 1, "message": "The request failed.", "status": "\#(status)", "details": [\#(details)]}}"#
    }

    private func code(_ code: String) -> String { #"{"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": "\#(code)"}"# }

    @Test func whatFirebaseSays() {
        let violation = #"{"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [{"field": "message.token"}]}"#
        let old = #"{"error": {"status": "INVALID_ARGUMENT", "message": "The registration token is not a valid FCM registration token"}}"#
        #expect(FCMProvider.outcome(response(200, #"{"name": "projects/p/messages/1"}"#)) == .accepted)
        #expect(FCMProvider.outcome(response(404, google("NOT_FOUND", code("UNREGISTERED")))) == .void(since: nil))
        #expect(FCMProvider.outcome(response(403, google("PERMISSION_DENIED", code("SENDER_ID_MISMATCH")))) == .foreign("403 SENDER_ID_MISMATCH"))
        #expect(FCMProvider.outcome(response(400, google("INVALID_ARGUMENT", code("INVALID_ARGUMENT") + "," + violation))) == .void(since: nil))
        #expect(FCMProvider.outcome(response(400, old)) == .void(since: nil))
        #expect(FCMProvider.outcome(response(400, google("INVALID_ARGUMENT", code("INVALID_ARGUMENT")))) == .refused("400 INVALID_ARGUMENT"))
        #expect(
            FCMProvider.outcome(response(401, google("UNAUTHENTICATED", code("THIRD_PARTY_AUTH_ERROR")))) == .refused("401 THIRD_PARTY_AUTH_ERROR"))
        #expect(
            FCMProvider.outcome(response(429, google("RESOURCE_EXHAUSTED", code("QUOTA_EXCEEDED")), retryAfter: "7"))
                == .busy(seconds: 7, everyone: true))
        #expect(FCMProvider.outcome(response(403, google("PERMISSION_DENIED"))) == .failed("403 PERMISSION_DENIED", seconds: nil))
        #expect(FCMProvider.outcome(response(503, "<html>", retryAfter: "3")) == .failed("503 ", seconds: 3))
    }

    @Test func whatAppleSays() {
        #expect(APNsProvider.outcome(response(200, "")) == .accepted)
        #expect(APNsProvider.outcome(response(410, #"{"reason": "Unregistered", "timestamp": 1700000000000}"#)) == .void(since: 1_700_000_000_000))
        #expect(APNsProvider.outcome(response(410, #"{"reason": "ExpiredToken"}"#)) == .void(since: nil))
        #expect(APNsProvider.outcome(response(400, #"{"reason": "BadDeviceToken"}"#)) == .foreign("400 BadDeviceToken"))
        #expect(APNsProvider.outcome(response(400, #"{"reason": "DeviceTokenNotForTopic"}"#)) == .foreign("400 DeviceTokenNotForTopic"))
        #expect(APNsProvider.outcome(response(400, #"{"reason": "BadTopic"}"#)) == .refused("400 BadTopic"))
        #expect(APNsProvider.outcome(response(403, #"{"reason": "InvalidProviderToken"}"#)) == .failed("403 InvalidProviderToken", seconds: nil))
        #expect(APNsProvider.outcome(response(429, #"{"reason": "TooManyRequests"}"#)) == .busy(seconds: nil, everyone: false))
        #expect(APNsProvider.outcome(response(429, #"{"reason": "TooManyProviderTokenUpdates"}"#)) == .busy(seconds: nil, everyone: true))
        #expect(APNsProvider.outcome(response(503, #"{"reason": "Shutdown"}"#, retryAfter: "9")) == .failed("503 Shutdown", seconds: 9))
    }

    @Test(arguments: [("5", 5.0), ("999999", 3_600), ("0", 0)])
    func aServiceIsLeftAloneForAnHourAtMost(text: String, seconds: Double) {
        #expect(response(503, "", retryAfter: text).retryAfterSeconds == seconds)
    }

    @Test(arguments: [("Wed, 21 Oct 2026 07:28:00 GMT", 30.0), ("Wed, 21 Oct 2026 07:27:00 GMT", 0), ("Thu, 22 Oct 2026 07:28:00 GMT", 3_600)])
    func aDateIsAsFarAwayAsItIsFromTheAnswersOwn(text: String, seconds: Double) {
        let headers = [(name: "retry-after", value: text), (name: "date", value: "Wed, 21 Oct 2026 07:27:30 GMT")]
        #expect(HTTPResponse(status: 503, headers: headers, body: []).retryAfterSeconds == seconds)
    }

    @Test(arguments: ["", "-1", "1.5", "Wed, 21 Oct 2026 07:28:00 GMT", "99999999999999999999"])
    func whatIsNoNumberOfSecondsIsNoWish(text: String) {
        #expect(response(503, "", retryAfter: text).retryAfterSeconds == nil)
    }

    private final class Maker: Sendable {
        let count = Mutex(0)
        func next(goodUntil: Double) -> RenewedCredential.Made {
            count.withLock { count in
                count += 1
                return RenewedCredential.Made(value: "\(count)", goodUntil: goodUntil)
            }
        }
    }

    @Test func aCredentialIsUsedUntilItsTimeIsOver() async throws {
        let maker = Maker()
        let credential = RenewedCredential { maker.next(goodUntil: maker.count.withLock { Double($0 + 1) * 100 }) }
        #expect(try await credential.value(at: 0) == "1")
        #expect(try await credential.value(at: 99) == "1")
        #expect(try await credential.value(at: 100) == "2")
        #expect(try await credential.value(at: 199) == "2")
    }

    @Test func howeverManyNeedACredentialOneIsMade() async throws {
        let maker = Maker()
        let credential = RenewedCredential {
            try await Task.sleep(for: .milliseconds(50))
            return maker.next(goodUntil: 100)
        }
        let values = try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<50 { group.addTask { try await credential.value(at: 0) } }
            return try await group.reduce(into: Set()) { $0.insert($1) }
        }
        #expect(values == ["1"])
    }

    @Test func aRefusedCredentialIsMadeAnewUnlessItIsYoung() async throws {
        let maker = Maker()
        let credential = RenewedCredential { maker.next(goodUntil: 1_000) }
        let value = try await credential.value(at: 0)
        #expect(await !credential.reject(value, olderThan: 20, at: 10))
        #expect(try await credential.value(at: 10) == value)
        #expect(await credential.reject(value, olderThan: 20, at: 20))
        let second = try await credential.value(at: 20)
        #expect(second != value)
        #expect(await credential.reject(value, olderThan: 20, at: 21), "it was replaced already")
        #expect(try await credential.value(at: 21) == second)
    }

    @Test func aCredentialThatCannotBeMadeIsTriedAgain() async throws {
        struct Away: Error {}
        let maker = Maker()
        let credential = RenewedCredential {
            let made = maker.next(goodUntil: 100)
            if made.value == "1" { throw Away() }
            return made
        }
        await #expect(throws: Away.self) { try await credential.value(at: 0) }
        #expect(try await credential.value(at: 0) == "2")
    }
}
