/// A fixed form of text, checked by its bytes, because Swift's characters take more for a digit than ASCII does.
enum TextForm: Sendable {
    /// Source: ITU-T E.164: a plus sign, no leading zero, 7 to 15 digits.
    case mobileNumber
    case oneTimePassword

    func accepts(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        switch self {
        case .mobileNumber:
            return bytes.first == UInt8(ascii: "+") && (8...16).contains(bytes.count) && bytes[1] != UInt8(ascii: "0")
                && bytes.dropFirst().allSatisfy(Self.isDigit)
        case .oneTimePassword:
            return bytes.count == 6 && bytes.allSatisfy(Self.isDigit)
        }
    }

    var expectation: String {
        switch self {
        case .mobileNumber: "A mobile number in E.164 form is expected, such as +4915112345678."
        case .oneTimePassword: "Six digits are expected."
        }
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}
