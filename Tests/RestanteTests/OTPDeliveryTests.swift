import Testing

@testable import Restante

@Suite struct OTPDeliveryTests {
    @Test func theSignatureIsOverTimeAndBody() {
        let headers = WebhookSignature(secret: "secret").headers(for: Array("{}".utf8), at: 1_769_860_800)
        // printf '1769860800.{}' | openssl dgst -sha256 -hmac secret
        let expected = "6bd59279684d582b3a785ab1b1b37b375fe46e60b7504f2de40d58633abe0dba"
        #expect(headers.map(\.name) == ["Restante-Timestamp", "Restante-Signature", "Idempotency-Key"])
        #expect(headers.map(\.value) == ["1769860800", "v1=" + expected, expected])
    }

    @Test(arguments: [(200, 1), (202, 1), (204, 1), (302, 3), (400, 3), (429, 2), (500, 4), (502, 4), (503, 2), (504, 4), (100, 3)])
    func everyStatusSaysWhetherTheDigitsWent(status: Int, kind: Int) {
        let answer = GatewayAnswer(status: status)
        let expected: [GatewayAnswer] = [.delivered, .busy(status), .refused(status), .failed(status)]
        #expect(answer == expected[kind - 1])
        #expect(!(answer.mayBeRepeated && answer.isUnknown))
    }

    @Test func onlyWhatProvesThatNothingWentMayBeRepeated() {
        #expect(GatewayAnswer.unreachable("").mayBeRepeated && !GatewayAnswer.unreachable("").isUnknown)
        #expect(!GatewayAnswer.silent("").mayBeRepeated && GatewayAnswer.silent("").isUnknown)
    }

    @Test func aCountryIsKnownByItsFirstDigits() throws {
        let codes = try #require(CallingCodes("49,1868"))
        #expect(codes.contains("+4915112345678") && codes.contains("+18685550100"))
        #expect(!codes.contains("+14155550100") && !codes.contains("+4366012345678"))
        #expect(CallingCodes().contains("+14155550100"))
    }
}
