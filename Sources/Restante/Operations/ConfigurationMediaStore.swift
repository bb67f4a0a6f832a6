/// Where media is kept.
package enum MediaStoreChoice: Sendable, Equatable {
    /// Under `DATA_DIR`.
    case directory
    /// In a bucket of an S3-compatible store, at this URL.
    case s3(String)
}

/// The setting of where media is kept.
extension Setting {
    static let mediaStore = Setting(
        key: "MEDIA_STORE", domain: "directory | s3:<url>", isSecret: false,
        description: "where media is kept: the folder media under DATA_DIR, or a bucket"
    ) { text, configuration in
        if text == "directory" {
            configuration.mediaStore = .directory
            return nil
        }
        let url = text.dropFirst(3)
        guard text.hasPrefix("s3:"), url.hasPrefix("https://") || url.hasPrefix("http://") else {
            return SettingFault(reason: "must be directory or s3:<url>")
        }
        configuration.mediaStore = .s3(String(url))
        return nil
    } show: { configuration in
        switch configuration.mediaStore {
        case .directory: "directory"
        case .s3(let url): "s3:\(url)"
        }
    }
}
