import JSON

/// The decoded request of `uploadKeys`. The server looks into no key: it bounds their sizes, and whose signature is good is the other side's to check.
struct KeyUpload: Sendable {
    let registrationId: Int64?
    let identityKey: [UInt8]?
    let signedPreKey: PublicKey?
    let oneTimePreKeys: [PublicKey]
    let pqLastResortPreKey: PublicKey?
    let pqOneTimePreKeys: [PublicKey]

    /// Ids are the client's own, of 32 bits.
    static let identifiers = 0...Int(UInt32.max)
    /// Bytes of a key or signature on elliptic curves.
    private static let curveBytes = 1...256
    /// Bytes of a post-quantum key; ML-KEM-1024 has 1,568.
    private static let postQuantumBytes = 1...4096
    private static let keysOfOneUpload = 0...100

    init(_ call: Call) throws(Problem) {
        let reader = try RequestReader(
            call, members: ["registrationId", "identityKey", "signedPreKey", "oneTimePreKeys", "pqLastResortPreKey", "pqOneTimePreKeys"])
        registrationId = reader.optionalInteger("registrationId", in: Self.identifiers).map(Int64.init)
        identityKey = reader.optionalBase64("identityKey", bytes: Self.curveBytes)
        signedPreKey = reader.optionalObject("signedPreKey", members: ["keyId", "publicKey", "signature"]) { Self.signed($0, Self.curveBytes) }
        oneTimePreKeys =
            reader.optionalObjects("oneTimePreKeys", count: Self.keysOfOneUpload, members: ["keyId", "publicKey"]) { key in
                PublicKey(keyId: Self.keyId(key), publicKey: key.base64("publicKey", bytes: Self.curveBytes), signature: nil)
            } ?? []
        pqLastResortPreKey = reader.optionalObject("pqLastResortPreKey", members: ["keyId", "publicKey", "signature"]) {
            Self.signed($0, Self.postQuantumBytes)
        }
        pqOneTimePreKeys =
            reader.optionalObjects("pqOneTimePreKeys", count: Self.keysOfOneUpload, members: ["keyId", "publicKey", "signature"]) {
                Self.signed($0, Self.postQuantumBytes)
            } ?? []
        try reader.finish()
    }

    private static func signed(_ key: RequestReader, _ bytes: ClosedRange<Int>) -> PublicKey {
        PublicKey(keyId: keyId(key), publicKey: key.base64("publicKey", bytes: bytes), signature: key.base64("signature", bytes: curveBytes))
    }

    private static func keyId(_ key: RequestReader) -> Int64 {
        Int64(key.requiredInteger("keyId", in: identifiers))
    }
}

extension KeyUpload {
    /// All one-time keys, with where each stands in the request.
    var oneTimeKeys: [(key: PublicKey, isPostQuantum: Bool, pointer: JSONPointer)] {
        let curve = oneTimePreKeys.enumerated().map { ($1, false, JSONPointer.root.appending("oneTimePreKeys").appending($0)) }
        let postQuantum = pqOneTimePreKeys.enumerated().map { ($1, true, JSONPointer.root.appending("pqOneTimePreKeys").appending($0)) }
        return curve + postQuantum
    }
}
