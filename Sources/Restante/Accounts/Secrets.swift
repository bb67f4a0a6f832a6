import Crypto

/// Keyed hashes under the server's secret: whoever reads the database alone can try out neither one-time passwords nor the phone numbers that people
/// have looked up. The numbers of the users themselves stand there in the clear, as do those that a one-time password is out for.
struct Secrets: Sendable {
    private let key: SymmetricKey

    init(serverSecret: [UInt8]) {
        key = SymmetricKey(data: serverSecret)
    }

    func hash(ofOTP otp: String, for mobileNumber: String) -> [UInt8] {
        Array(HMAC<SHA256>.authenticationCode(for: Array("otp \(mobileNumber) \(otp)".utf8), using: key))
    }

    /// Compares in constant time.
    func matches(_ hash: [UInt8], otp: String, for mobileNumber: String) -> Bool {
        HMAC<SHA256>.isValidAuthenticationCode(hash, authenticating: Array("otp \(mobileNumber) \(otp)".utf8), using: key)
    }

    func hash(ofNumber mobileNumber: String) -> [UInt8] {
        Array(HMAC<SHA256>.authenticationCode(for: Array("number \(mobileNumber)".utf8), using: key).prefix(16))
    }
}
