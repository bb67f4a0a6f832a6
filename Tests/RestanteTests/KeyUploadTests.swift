import JSON
import Testing

@testable import Restante

@Suite struct KeyUploadTests {
    @Test func allPartsAreRead() throws {
        let upload = try KeyUpload(
            .test(
                body: """
                    {"registrationId": 4294967295, "identityKey": "AQ==", "signedPreKey": {"keyId": 1, "publicKey": "Ag==", "signature": "Aw=="},
                    "oneTimePreKeys": [{"keyId": 0, "publicKey": "BA=="}], "pqLastResortPreKey": {"keyId": 2, "publicKey": "BQ==", "signature": "Bg=="},
                    "pqOneTimePreKeys": [{"keyId": 3, "publicKey": "Bw==", "signature": "CA=="}]}
                    """))
        #expect(upload.registrationId == 4_294_967_295)
        #expect(upload.identityKey == [1])
        #expect(upload.signedPreKey == PublicKey(keyId: 1, publicKey: [2], signature: [3]))
        #expect(upload.pqLastResortPreKey == PublicKey(keyId: 2, publicKey: [5], signature: [6]))
        let keys = [PublicKey(keyId: 0, publicKey: [4], signature: nil), PublicKey(keyId: 3, publicKey: [7], signature: [8])]
        #expect(upload.oneTimeKeys.map(\.key) == keys)
        #expect(upload.oneTimeKeys.map(\.pointer.description) == ["/oneTimePreKeys/0", "/pqOneTimePreKeys/0"])
    }

    @Test func everyPartMayBeLeftOut() throws {
        let upload = try KeyUpload(.test(body: "{}"))
        #expect(upload.registrationId == nil && upload.identityKey == nil && upload.signedPreKey == nil && upload.pqLastResortPreKey == nil)
        #expect(upload.oneTimeKeys.isEmpty)
    }

    @Test func allFaultsAreNamedTogether() {
        let body = #"{"registrationId": -1, "identityKey": "A", "oneTimePreKeys": [{"keyId": 1, "publicKey": "AQ=="}, {"publicKey": ""}]}"#
        let problem = #expect(throws: Problem.self) { try KeyUpload(.test(body: body)) }
        let pointers = problem?.faults.map { fault -> String in
            if case .member(let pointer) = fault.place { pointer.description } else { "?" }
        }
        #expect(pointers == ["/registrationId", "/identityKey", "/oneTimePreKeys/1/keyId", "/oneTimePreKeys/1/publicKey"])
    }
}
