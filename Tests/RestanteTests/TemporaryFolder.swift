import Foundation

/// A folder of a test's own, gone with the test; its path is short enough for a unix socket.
final class TemporaryFolder: Sendable {
    let path: String

    init() {
        path = "/tmp/rt-" + String(UInt32.random(in: .min ... .max), radix: 36)
        precondition(mkdir(path, 0o755) == 0, "\(path) cannot be made")
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    /// Writes a file and returns its path.
    @discardableResult
    func write(_ name: String, _ contents: String) -> String {
        let path = path + "/" + name
        precondition(FileManager.default.createFile(atPath: path, contents: Data(contents.utf8)), "\(path) cannot be written")
        return path
    }
}
