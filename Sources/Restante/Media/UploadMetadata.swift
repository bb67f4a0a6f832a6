/// What a client says of a resumable upload: `filename d29ybGQ=,filetype aW1hZ2UvcG5n`. Only the type is of use here; all of it is told back.
/// Source: tus 1.0, Upload-Metadata.
enum UploadMetadata {
    /// The media type among the pairs; nil where there is none. Throws where these are no pairs.
    static func contentType(in metadata: String) throws(Problem) -> String? {
        var found: String?
        for pair in metadata.split(separator: ",") {
            let parts = pair.trimmingSpaces().split(separator: " ", omittingEmptySubsequences: false)
            guard let key = parts.first, !key.isEmpty, parts.count <= 2 else { throw malformed }
            let text = parts.count == 2 ? Array(parts[1].utf8) : []
            guard let bytes = text.withUnsafeBufferPointer(Base64.decode) else { throw malformed }
            guard key == "filetype" || key == "contentType", found == nil, !bytes.isEmpty else { continue }
            guard let value = String(validating: bytes, as: UTF8.self) else { throw malformed }
            found = value
        }
        return found
    }

    private static let malformed = Problem(
        invalid: [.init(place: .parameter("Upload-Metadata"), detail: "Pairs of a key and a base64 value are expected, separated by commas.")])
}
