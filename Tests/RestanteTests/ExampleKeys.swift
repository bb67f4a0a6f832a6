import Crypto
import CryptoExtras

/// Keys as push services hand them out, made anew for each run.
enum ExampleKeys {
    static let ellipticCurve = P256.Signing.PrivateKey().pemRepresentation
    static let rsa = Result { try _RSA.Signing.PrivateKey(keySize: .bits2048).pkcs8PEMRepresentation }
    static let serviceAccount = serviceAccount()

    static func serviceAccount(type: String = "service_account", projectId: String = "poste-1", privateKey: String? = nil) -> String {
        let key = (privateKey ?? (try? rsa.get()) ?? "").split(separator: "\n").joined(separator: "\\n")
        return #"{"type": "\#(type)", "project_id": "\#(projectId)", "client_email": "sender@poste-1.example", "private_key": "\#(key)"}"#
    }
}
