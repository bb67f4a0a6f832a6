import Testing

@testable import Restante

@Suite struct SecretsTests {
    private let secrets = Secrets(serverSecret: Array(0..<32))

    @Test func onlyTheRightDigitsMatchTheirHash() {
        let hash = secrets.hash(ofOTP: "123456", for: "+4915112345678")
        #expect(hash.count == 32)
        #expect(secrets.matches(hash, otp: "123456", for: "+4915112345678"))
        #expect(!secrets.matches(hash, otp: "123457", for: "+4915112345678"))
        #expect(!secrets.matches(hash, otp: "123456", for: "+4915112345679"))
        #expect(!secrets.matches([], otp: "123456", for: "+4915112345678"))
        #expect(!secrets.matches(Array(hash.dropLast()), otp: "123456", for: "+4915112345678"))
    }

    @Test func anotherServersSecretMakesOtherHashes() {
        let other = Secrets(serverSecret: Array(1..<33))
        #expect(!other.matches(secrets.hash(ofOTP: "123456", for: "+4915112345678"), otp: "123456", for: "+4915112345678"))
        #expect(other.hash(ofNumber: "+4915112345678") != secrets.hash(ofNumber: "+4915112345678"))
    }

    @Test func theHashOfANumberStaysTheSameAndTellsNumbersApart() {
        #expect(secrets.hash(ofNumber: "+4915112345678") == Secrets(serverSecret: Array(0..<32)).hash(ofNumber: "+4915112345678"))
        #expect(secrets.hash(ofNumber: "+4915112345678") != secrets.hash(ofNumber: "+4915112345679"))
        #expect(secrets.hash(ofNumber: "+4915112345678").count == 16)
    }
}

@Suite struct SessionTokenTests {
    /// Source: RFC 4648, section 10; the last three hold what base64url writes differently from base64, and the padding it leaves out.
    @Test(
        arguments: [
            ("", []), ("Zg", [0x66]), ("Zm8", [0x66, 0x6F]), ("Zm9v", [0x66, 0x6F, 0x6F]), ("Zm9vYg", [0x66, 0x6F, 0x6F, 0x62]),
            ("Zm9vYmE", [0x66, 0x6F, 0x6F, 0x62, 0x61]), ("Zm9vYmFy", [0x66, 0x6F, 0x6F, 0x62, 0x61, 0x72]),
            ("-_8", [0xFB, 0xFF]), ("____", [0xFF, 0xFF, 0xFF]), ("AA", [0x00]),
        ] as [(String, [UInt8])])
    func base64URLIsThatOfTheStandard(text: String, bytes: [UInt8]) {
        #expect(Base64URL.encode(bytes) == text)
    }

    @Test func tokensHave256BitsAndAreNeverTheSame() {
        let tokens = (0..<500).flatMap { _ -> [String] in
            let made = SessionTokens()
            return [made.access, made.refresh]
        }
        #expect(Set(tokens.map { $0.dropFirst(4) }).count == 1_000)
        #expect(tokens.allSatisfy { $0.utf8.count == 4 + 43 })
        #expect(SessionTokens().access.hasPrefix("rat_"))
        #expect(SessionTokens().refresh.hasPrefix("rrt_"))
    }

    @Test func theHashOfATokenIsItsSHA256() {
        let hex = TokenHash("abc").bytes.map { String($0, radix: 16) }.map { $0.count == 1 ? "0" + $0 : $0 }.joined()
        #expect(hex == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    }
}
