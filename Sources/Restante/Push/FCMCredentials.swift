import JSON
import JWTKit

/// A Google service account that may send through Firebase Cloud Messaging, as the console hands it out: a JSON file.
struct FCMCredentials: Sendable {
    let projectId: String
    let clientEmail: String
    let privateKeyId: String?
    let privateKey: Insecure.RSA.PrivateKey
    /// Where a signed statement is exchanged for an access token.
    let tokenURL: String

    struct Fault: Error {
        /// Worded to follow the setting's name; without anything of the file.
        let reason: String
    }

    init(json text: String) throws(Fault) {
        guard let json = try? JSON.parse(Array(text.utf8)), json.kind == .object else { throw Fault(reason: "is no JSON object") }
        guard json["type"]?.string == "service_account" else { throw Fault(reason: "is not the key file of a service account") }
        projectId = try Self.member("project_id", of: json)
        guard projectId.utf8.allSatisfy(Self.isPathSafe) else { throw Fault(reason: "has a project_id that is none") }
        clientEmail = try Self.member("client_email", of: json)
        privateKeyId = json["private_key_id"]?.string
        tokenURL = json["token_uri"]?.string ?? "https://oauth2.googleapis.com/token"
        guard let key = try? Insecure.RSA.PrivateKey(pem: try Self.member("private_key", of: json)) else {
            throw Fault(reason: "has a private_key that is no RSA key in PEM")
        }
        privateKey = key
    }

    private static func member(_ name: String, of json: JSON) throws(Fault) -> String {
        guard let text = json[name]?.string, !text.isEmpty else { throw Fault(reason: "has no \(name)") }
        return text
    }

    private static func isPathSafe(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: ":"):
            true
        default: false
        }
    }
}
