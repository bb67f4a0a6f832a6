import Glibc
import LoadGenerator
import Testing

@Suite struct SessionFileTests {
    private let path = "/tmp/restante-sessions-\(getpid())-\(UInt64.random(in: .min ... .max))"

    @Test func `sessions read back as they were written, for their owner alone`() throws {
        defer { unlink(path) }
        let sessions = [
            Session(userId: Identifier(high: 1, low: 2), accessToken: Array("one".utf8)),
            Session(userId: Identifier(high: 3, low: 4), accessToken: Array("two".utf8)),
        ]
        try SessionFile.write(sessions, to: path)
        #expect(try SessionFile.read(path, atLeast: 2) == sessions)
        var status = stat()
        #expect(stat(path, &status) == 0)
        #expect(status.st_mode & 0o777 == 0o600)
    }

    @Test func `too few sessions are refused`() throws {
        defer { unlink(path) }
        try SessionFile.write([], to: path)
        #expect(throws: LoadFault.self) { try SessionFile.read(path, atLeast: 1) }
    }

    @Test func `a file that is not there is refused`() {
        #expect(throws: LoadFault.self) { try SessionFile.read(path, atLeast: 0) }
    }
}
