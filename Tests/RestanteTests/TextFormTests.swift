import Testing

@testable import Restante

@Suite struct TextFormTests {
    @Test(arguments: ["+4915112345678", "+1234567", "+123456789012345"])
    func aMobileNumberInE164FormIsOne(text: String) {
        #expect(TextForm.mobileNumber.accepts(text))
    }

    @Test(arguments: [
        "", "+", "+123456", "+1234567890123456", "4915112345678", "004915112345678", "+0915112345678", "+49 15112345678", "+49-1511234567",
        "+49151123456a",
        "++915112345678", "+４９１５１１２３", "+٤٩١٥١١٢٣", "+1234567\n",
    ])
    func anythingElseIsNoMobileNumber(text: String) {
        #expect(!TextForm.mobileNumber.accepts(text))
    }

    @Test(arguments: ["000000", "123456", "999999"])
    func sixDigitsAreAOneTimePassword(text: String) {
        #expect(TextForm.oneTimePassword.accepts(text))
    }

    @Test(arguments: ["", "12345", "1234567", "12345a", " 12345", "+12345", "１２３４５６", "123٤"])
    func anythingElseIsNoOneTimePassword(text: String) {
        #expect(!TextForm.oneTimePassword.accepts(text))
    }
}
