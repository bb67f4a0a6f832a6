import Postgres
import Testing

@testable import Restante

@Suite struct UploadMetadataTests {
    @Test(arguments: [
        ("filetype aW1hZ2UvcG5n", "image/png"), ("filename eA==,filetype aW1hZ2UvcG5n", "image/png"),
        ("contentType aW1hZ2UvcG5n, is_confidential", "image/png"), ("filetype aW1hZ2UvcG5n,contentType YS9i", "image/png"),
    ])
    func theTypeIsFoundAmongThePairs(_ metadata: String, _ expected: String) throws {
        #expect(try UploadMetadata.contentType(in: metadata) == expected)
    }

    @Test(arguments: ["", "filename eA==", "filetype", "filetype ", "FILETYPE aW1hZ2UvcG5n"]) func orNot(_ metadata: String) throws {
        #expect(try UploadMetadata.contentType(in: metadata) == nil)
    }

    @Test(arguments: ["filetype image/png", "filetype aW1hZ2UvcG5n extra", "filetype aW1hZ2UvcG5n=", "filetype /w=="]) func whatIsNoMetadata(
        _ metadata: String
    ) {
        #expect(throws: Problem.self) { try UploadMetadata.contentType(in: metadata) }
    }

    @Test func itExpiresADayAfterItsCreationInTheWordsOfHTTP() throws {
        let created = try #require(Timestamp("1994-11-05T08:49:37.500Z"))
        let upload = ResumableUpload(
            uploadId: IdentifierGenerator().next(), size: 1, received: 0, contentType: "a/b", metadata: "", isFinished: false, createdAt: created)
        #expect(upload.expires == "Sun, 06 Nov 1994 08:49:37 GMT")
    }
}
