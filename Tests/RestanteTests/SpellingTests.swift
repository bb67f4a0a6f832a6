import Testing

@testable import Restante

@Suite struct SpellingTests {
    private let names = ["mobileNumber", "otp", "name", "profileStatus"]

    @Test(arguments: [
        ("mobilenumber", "mobileNumber"), ("moblieNumber", "mobileNumber"), ("nmae", "name"), ("opt", "otp"),
        ("profile_status", "profileStatus"),
    ])
    func aSlipOfTheFingerFindsItsName(written: String, meant: String) {
        #expect(Spelling.nearest(to: written, among: names) == meant)
    }

    @Test(arguments: ["", "x", "avatar", "number"])
    func aDifferentWordFindsNone(written: String) {
        #expect(Spelling.nearest(to: written, among: names) == nil)
    }
}
