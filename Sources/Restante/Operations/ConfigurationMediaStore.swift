/// Where media is kept.
package enum MediaStoreChoice: Sendable, Equatable {
    /// Under `DATA_DIR`.
    case directory
    /// In a bucket of an S3-compatible store: for several nodes, or where this machine's disk is small.
    case s3(S3Location)

    package init?(_ text: String) {
        if text == "directory" {
            self = .directory
        } else if text.hasPrefix("s3:"), let location = S3Location(String(text.dropFirst(3))) {
            self = .s3(location)
        } else {
            return nil
        }
    }

    package var text: String {
        switch self {
        case .directory: "directory"
        case .s3(let location): "s3:" + location.text
        }
    }
}

/// The settings of where media is kept.
extension Setting {
    static let mediaStore = Setting.form(
        "MEDIA_STORE", \.mediaStore, "directory | s3:https://HOST/BUCKET?region=REGION",
        "where media is kept: the folder media under DATA_DIR, or a bucket (&style=host where its name is part of the host's)",
        read: { MediaStoreChoice($0) }, show: \.text)

    static let s3AccessKey = Setting.secret("S3_ACCESS_KEY", \.s3AccessKey, "letters and digits", "the key's name, for MEDIA_STORE=s3") { isKey($0) }

    static let s3SecretKey = Setting.secret("S3_SECRET_KEY", \.s3SecretKey, "without spaces", "the key, for MEDIA_STORE=s3") { isKey($0) }

    /// libcurl takes them as user and password, which a colon would divide.
    private static func isKey(_ text: String) -> Bool {
        text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: ":") }
    }
}
