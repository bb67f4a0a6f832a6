import Glibc

/// A registered device: whom to write to, and the token to speak with.
package struct Session: Sendable, Equatable {
    package var userId: Identifier
    package var accessToken: [UInt8]

    package init(userId: Identifier, accessToken: [UInt8]) {
        self.userId = userId
        self.accessToken = accessToken
    }
}

/// Sessions kept in a file, one "userId accessToken" to the line, so that several runs can share one registration.
package enum SessionFile {
    package static func write(_ sessions: [Session], to path: String) throws(LoadFault) {
        var text: [UInt8] = []
        for session in sessions {
            session.userId.append(to: &text)
            text.append(UInt8(ascii: " "))
            text.append(contentsOf: session.accessToken)
            text.append(.lineFeed)
        }
        // The tokens are secrets: nobody else may read them.
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .sessions("\(path) cannot be written") }
        defer { close(descriptor) }
        var offset = 0
        while offset < text.count {
            let count = text.withUnsafeBytes { bytes in
                Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: bytes[offset...]).baseAddress, bytes.count - offset)
            }
            guard count > 0 else { throw .sessions("\(path) cannot be written") }
            offset += count
        }
    }

    package static func read(_ path: String, atLeast count: Int) throws(LoadFault) -> [Session] {
        guard let text = contents(of: path) else { throw .sessions("\(path) cannot be read") }
        var sessions: [Session] = []
        for line in text.split(separator: .lineFeed) {
            let fields = line.split(separator: UInt8(ascii: " "))
            guard fields.count == 2, let userId = Identifier(Array(fields[0]).span) else {
                throw .sessions("line \(sessions.count + 1) is not \"userId accessToken\"")
            }
            sessions.append(Session(userId: userId, accessToken: Array(fields[1])))
        }
        guard sessions.count >= count else { throw .sessions("it holds \(sessions.count) devices, \(count) are needed") }
        return sessions
    }

    private static func contents(of path: String) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var text: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            guard count >= 0 else { return nil }
            if count == 0 { return text }
            text.append(contentsOf: chunk[..<count])
        }
    }
}
