/// A fixed form of text, checked by its bytes, because Swift's characters take more for a digit than ASCII does.
enum TextForm: Sendable {
    /// Source: ITU-T E.164: a plus sign, no leading zero, 7 to 15 digits.
    case mobileNumber
    case oneTimePassword
    /// As push services hand them out: what has no meaning of its own in a URL, since a token becomes part of one. Source: RFC 3986, section 2.3.
    case pushToken

    func accepts(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        switch self {
        case .mobileNumber:
            return bytes.first == UInt8(ascii: "+") && (8...16).contains(bytes.count) && bytes[1] != UInt8(ascii: "0")
                && bytes.dropFirst().allSatisfy(Self.isDigit)
        case .oneTimePassword:
            return bytes.count == 6 && bytes.allSatisfy(Self.isDigit)
        case .pushToken:
            return (1...4096).contains(bytes.count) && bytes.allSatisfy(Self.isPushTokenByte)
        }
    }

    var expectation: String {
        switch self {
        case .mobileNumber: "A mobile number in E.164 form is expected, such as +4915112345678."
        case .oneTimePassword: "Six digits are expected."
        case .pushToken: "A push token is expected: 1 to 4096 letters, digits and any of -._~: of ASCII."
        }
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    private static func isPushTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: "-._~:".utf8.contains(byte)
        }
    }
}
