import JSON
import Postgres

/// What an encrypted message has in place of its content. The server looks into no ciphertext.
enum Ciphertexts: Sendable {
    /// One for each device, under a session with that device.
    case each([DeviceCiphertext])
    /// One that all devices of a group can read, as JSON text. Source: Signal, "Sender Keys".
    case shared([UInt8])
}

/// A ciphertext for one device.
struct DeviceCiphertext: Sendable {
    let deviceId: Identifier
    /// The installation with which the sender has the session.
    let registrationId: Int64
    /// What the device is served, as JSON text.
    let text: [UInt8]
}

/// The devices with keys for which a send has no ciphertext, or one that they cannot use.
struct DeviceChanges: Sendable, Equatable {
    var missing: [Identifier] = []
    /// Named, and without keys, removed, or not the recipient's.
    var extra: [Identifier] = []
    /// Set up anew since: their registration ids have changed.
    var stale: [Identifier] = []
}

extension Ciphertexts {
    private enum SessionKind: String, CaseIterable {
        case prekey = "PREKEY"
        case message = "MESSAGE"
    }
    private enum SharedKind: String, CaseIterable {
        case senderKey = "SENDER_KEY"
    }

    /// As many as the body can hold; a ciphertext as long as the body lets it be.
    private static let count = 0...10_000
    private static let bytes = 1...1_048_576

    /// Reads `ciphertexts`, or `ciphertext` where the operation knows that; nil where neither is there.
    init?(_ reader: RequestReader) {
        if let shared = reader.optionalObject("ciphertext", members: ["type", "body"], { Self.text($0, SharedKind.self) }) {
            self = .shared(shared)
            return
        }
        var named: Set<Identifier> = []
        let ciphertexts = reader.optionalObjects("ciphertexts", count: Self.count, members: ["deviceId", "registrationId", "type", "body"]) { entry in
            let ciphertext = DeviceCiphertext(
                deviceId: entry.identifier("deviceId"),
                registrationId: Int64(entry.requiredInteger("registrationId", in: KeyUpload.identifiers)), text: Self.text(entry, SessionKind.self))
            if !named.insert(ciphertext.deviceId).inserted { entry.fault("deviceId", "This device is named twice.") }
            return ciphertext
        }
        guard let ciphertexts else { return nil }
        self = .each(ciphertexts)
    }

    private static func text<Kind: RawRepresentable & CaseIterable>(
        _ reader: RequestReader, _ kinds: Kind.Type
    ) -> [UInt8] where Kind.RawValue == String {
        let kind = reader.choice("type", of: kinds)?.rawValue ?? ""
        // Base64 has no byte that JSON would escape.
        return Array(#"{"type":"\#(kind)","body":""#.utf8) + reader.base64Text("body", bytes: bytes) + Array(#""}"#.utf8)
    }
}

extension Ciphertexts {
    /// The end of an item, after its other members.
    static func itemEnd(_ text: [UInt8]) -> [UInt8] {
        Array(#","ciphertext":"#.utf8) + text + [UInt8(ascii: "}")]
    }

    /// Hands on bytes that are the same exactly for the same ciphertexts for the same devices, in whatever order.
    func fingerprint(_ update: ([UInt8]) -> Void) {
        switch self {
        case .shared(let text):
            update(Array("shared \(text.count) ".utf8))
            update(text)
        case .each(let ciphertexts):
            update(Array("each \(ciphertexts.count) ".utf8))
            for ciphertext in ciphertexts.sorted(by: { $0.deviceId < $1.deviceId }) {
                update(Array("\(ciphertext.deviceId) \(ciphertext.registrationId) \(ciphertext.text.count) ".utf8))
                update(ciphertext.text)
            }
        }
    }
}
