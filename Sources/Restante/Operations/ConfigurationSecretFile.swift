import Glibc

/// A file that holds one secret: what `RESTANTE_<SECRET>_FILE` names, and what the server makes for itself.
enum SecretFile {
    /// Why a file could not be read or written, in the system's words.
    struct Failure: Error {
        let reason: String

        /// Takes the reason from `errno`, so it must follow the failed call at once.
        static func fromErrno() -> Failure { Failure(reason: String(cString: strerror(errno))) }
    }

    /// The file's text without the newline that editors put at its end.
    static func read(_ path: String) -> Result<String, Failure> {
        readBytes(path).flatMap { bytes in
            var text = bytes[...]
            if text.last == UInt8(ascii: "\n") { text.removeLast() }
            if text.last == UInt8(ascii: "\r") { text.removeLast() }
            guard let text = String(validating: text, as: UTF8.self), !text.utf8.contains(0) else {
                return .failure(Failure(reason: "is not UTF-8 text"))
            }
            return .success(text)
        }
    }

    /// At most 64 KiB: nobody's secret is longer, and a path given by mistake may be anything.
    static func readBytes(_ path: String) -> Result<[UInt8], Failure> {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return .failure(.fromErrno()) }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 65_537)
        var length = 0
        while length < bytes.count {
            let count = bytes.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress?.advanced(by: length), $0.count - length) }
            guard count >= 0 else { return .failure(.fromErrno()) }
            guard count > 0 else { return .success(Array(bytes[..<length])) }
            length += count
        }
        return .failure(Failure(reason: "is longer than 64 KiB"))
    }

    /// Makes the file with mode 0600 unless it is there, whole or not at all: two processes that start together agree on one secret.
    static func create(_ path: String, _ bytes: [UInt8]) -> Result<Void, Failure> {
        let draft = "\(path).\(getpid())"
        unlink(draft)
        let descriptor = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return .failure(.fromErrno()) }
        defer { unlink(draft) }
        let isWritten = write(descriptor, bytes, bytes.count) == bytes.count && fsync(descriptor) == 0
        let failure = isWritten ? nil : Failure.fromErrno()
        close(descriptor)
        if let failure { return .failure(failure) }
        guard link(draft, path) == 0 || errno == EEXIST else { return .failure(.fromErrno()) }
        return .success(())
    }
}
